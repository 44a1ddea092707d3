"""What triggers do behind their classes: register with the control plane, fire, and be watched on this machine."""
