// Logging has an EventId too; here it is always the event's.
global using EventId = Payments.Core.EventId;
