"""Pure decisions: values in, values out. No I/O, no clock, no chance; whoever needs them passes them in."""
