-- How much of a day is unresolved is read with every report: resolved breaks are found by their day.
CREATE INDEX breaks_resolved ON recon.breaks (mode, leg, provider, day) WHERE state = 'resolved';
