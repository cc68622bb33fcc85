using Payments.Platform.Http;

namespace Payments.Api.Operators;

internal static class OperatorsModule
{
    public static void AddOperators(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<IOperatorDirectory, OperatorDirectory>();
        builder.Services.AddHostedService<Seeding>();
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
        ops.MapGet("/incidents", ReadIncidents.ListAsync);
        ops.MapGet("/recoveries", ReadRecoveries.ListAsync);
    }
}
