"""JSON that travels as a string inside other JSON: a definition in a request, an answer in that of a function."""


def quoted_size(document: str) -> int:
    """Bytes that a JSON document, or a piece of one, takes as a string, without the marks around it.

    Of what a string must escape there are only quotation marks and backslashes in it, if nobody has indented it.
    """
    return len(document.encode()) + document.count('"') + document.count("\\")
