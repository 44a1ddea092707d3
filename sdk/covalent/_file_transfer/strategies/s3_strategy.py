"""Files in Amazon S3."""

from __future__ import annotations

from covalent._file_transfer.strategies.way_strategy import WayStrategy
from covalent._shared_files.exceptions import InvalidTransfer
from covalent_runner.transfers.credentials import Secret
from covalent_runner.transfers.s3 import BucketWay


class S3(WayStrategy):
    """Downloads and uploads objects of S3. By default as the role that the electron runs with.

    Args:
        credentials: path of a credentials file on the machine that the electron runs on, or the ARN of a secret
            that holds one.
        profile: profile of that file, or of ~/.aws.
        region_name: region of the bucket.

    Raises:
        InvalidTransfer: credentials are given, not where they are.

    """

    schemes = ("s3",)

    def __init__(
        self,
        credentials: str | None = None,
        profile: str | None = None,
        region_name: str | None = None,
    ) -> None:
        if credentials is not None and ("\n" in credentials or "=" in credentials):
            raise InvalidTransfer(
                "S3(credentials=...) takes the path of a credentials file, or the ARN of a secret"
            )
        self.credentials = credentials
        self.profile = profile
        self.region_name = region_name

    def way(self) -> BucketWay:
        """The way that the runner goes."""
        kept = None if self.credentials is None else Secret(str(self.credentials))
        return BucketWay(kept, self.profile, self.region_name)
