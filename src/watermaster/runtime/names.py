"""Names that the product gives when nobody else does. Apart from everything heavy, for the command line's sake."""

from __future__ import annotations

from typing import Final

FILE_NAME: Final = "watermaster.yaml"
"""The configuration, in the folder where a command is run."""

CLUSTER_NAME: Final = "primary"
"""What `init` calls the cluster that it was shown."""

REGISTRY_NAME: Final = "main"
"""What `init` calls the schema registry that it was shown."""
