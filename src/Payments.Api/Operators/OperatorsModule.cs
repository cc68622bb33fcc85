using Payments.Api.Privacy;
using Payments.Api.Recovery;
using Payments.Api.Reviews;
using Payments.Platform.Http;
using Payments.Platform.Http.Seams;

namespace Payments.Api.Operators;

internal static class OperatorsModule
{
    public static void AddOperators(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<IOperatorDirectory, OperatorDirectory>();
        builder.Services.AddHostedService<Seeding>();
        builder.AddInternalClient("Ledger");
        builder.AddInternalClient("Webhooks");
        builder.AddInternalClient("Reconciliation");
        builder.Services.AddSingleton<EventLogRestore>();
    }

    public static void MapOperators(this WebApplication app)
    {
        var ops = app.MapGroup("/ops/v1").RequireOperator();
        ops.MapPost("/operator_keys", OperatorKeys.CreateAsync);
        ops.MapGet("/operator_keys", OperatorKeys.ListAsync);
        ops.MapPost("/operator_keys/{id}/revoke", OperatorKeys.RevokeAsync);
        ops.MapGet("/audit_entries", ReadAudit.ListAsync);
        ops.MapGet("/providers", ReadProviders.List);
        ops.MapGet("/payments", ReadAllPayments.ManyAsync);
        ops.MapGet("/payments/{id}", ReadAllPayments.OneAsync);
        ops.MapGet("/incidents", IncidentEndpoints.ListAsync);
        ops.MapGet("/incidents/{id}", IncidentEndpoints.OneAsync);
        ops.MapPost("/incidents/{id}/assign", IncidentEndpoints.AssignAsync);
        ops.MapPost("/incidents/{id}/notes", IncidentEndpoints.NoteAsync);
        ops.MapPost("/incidents/{id}/close", IncidentEndpoints.CloseAsync);
        ops.MapGet("/breaks", ReadBreaks.ListAsync);
        ops.MapGet("/breaks/{id}", ReadBreaks.OneAsync);
        ops.MapPost("/breaks/{id}/assign", ReadBreaks.AssignAsync);
        ops.MapPost("/breaks/{id}/attribute", AttributeBreak.HandleAsync);
        ops.MapPost("/event_log/reinstate", ReinstateEventLog.HandleAsync);
        ops.MapGet("/recoveries", ReadRecoveries.ListAsync);
        ops.MapGet("/attempts", ReadAttempts.ListAsync);
        ops.MapGet("/reviews", ReviewEndpoints.ListAsync);
        ops.MapGet("/reviews/{id}", ReviewEndpoints.OneAsync);
        ops.MapPost("/reviews/{id}/claim", ReviewEndpoints.ClaimAsync);
        ops.MapPost("/reviews/{id}/release", ReviewEndpoints.ReleaseAsync);
        ops.MapPost("/reviews/{id}/approve", ReviewEndpoints.ApproveAsync);
        ops.MapPost("/reviews/{id}/reject", ReviewEndpoints.RejectAsync);
        ops.MapPost("/reviews/{id}/request_3ds", ReviewEndpoints.RequestChallengeAsync);
        ops.MapPost("/reviews/{id}/notes", ReviewEndpoints.NoteAsync);
        ops.MapPost("/erasures", ErasureEndpoints.ForOperatorAsync);
    }
}
