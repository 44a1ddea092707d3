"""How files are transferred: `ct.fs_strategies.S3()` and the others."""

from covalent._file_transfer.strategies.azure_blob_strategy import Blob
from covalent._file_transfer.strategies.gcloud_strategy import GCloud
from covalent._file_transfer.strategies.http_strategy import HTTP
from covalent._file_transfer.strategies.rsync_strategy import Rsync
from covalent._file_transfer.strategies.s3_strategy import S3
from covalent._file_transfer.strategies.shutil_strategy import Shutil

__all__ = ["HTTP", "S3", "Blob", "GCloud", "Rsync", "Shutil"]
