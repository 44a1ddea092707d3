"""Starting and stopping the local server from Python."""
