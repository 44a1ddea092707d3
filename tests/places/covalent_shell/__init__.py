"""An executor that an entry point adds: jobs are processes of this machine, looked after by the bridge."""
