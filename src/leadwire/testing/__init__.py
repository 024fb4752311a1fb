"""What whoever writes a store or a connector needs to test it: contract suites and a clock moved by hand. Needs pytest."""
