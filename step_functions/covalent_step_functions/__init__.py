"""The compiler: a transport graph becomes a Step Functions state machine."""
