"""What the executors for Amazon Braket need of its SDK and of its plugin for PennyLane.

plugin      imports the plugin, and says what to install where it is missing.
sessions    whose AWS account is used, and how that travels to other machines.
devices     devices that were made before and have nothing to do now.
tasks       sends circuits as quantum tasks: again if they fail, later if there is no room, and cancels them.
errors      what AWS and the SDK say, in the words of the executor's fields.
"""
