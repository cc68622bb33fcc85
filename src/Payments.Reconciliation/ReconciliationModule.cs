using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Inbox;
using Payments.Platform.Postgres;
using Payments.Reconciliation.Breaks;
using Payments.Reconciliation.Endpoints;
using Payments.Reconciliation.Imports;
using Payments.Reconciliation.Intake;
using Payments.Reconciliation.Matching;
using Payments.Reconciliation.Reports;

namespace Payments.Reconciliation;

/// <summary>What a host adds to run this service.</summary>
public static class ReconciliationModule
{
    public static void AddReconciliation(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddReconciliationTools();
        builder.AddPaymentsHttp();
        builder.AddEventConsumer<ItemIntake>(Names.Services.Reconciliation);
        builder.Services.AddSingleton<MatchRounds>();
        builder.Services.AddHostedService(s => s.GetRequiredService<MatchRounds>());
    }

    /// <summary>What the commands need: the database and what works on it, without consumer and rounds.</summary>
    public static void AddReconciliationTools(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services.AddOptions<ReconciliationOptions>().BindConfiguration(ReconciliationOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.AddDatabase(Names.Databases.Reconciliation, typeof(ReconciliationModule).Assembly, Plumbing.Inbox);
        services.AddSingleton<Importer>();
        services.AddSingleton<Matcher>();
        services.AddSingleton<DayReports>();
        services.AddSingleton<Explanations>();
        services.AddSingleton<BreakStore>();
    }

    public static void MapReconciliation(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UsePaymentsHttp();
        app.MapDeadLetters();
        var ops = app.MapGroup("/internal/v1/ops/reconciliation").RequireInternalKey();
        ops.MapGet("/reports", ReportEndpoints.ListAsync);
        ops.MapGet("/reports/{id}", ReportEndpoints.GetAsync);
        ops.MapPost("/reports/{id}/close", ReportEndpoints.CloseAsync);
        ops.MapGet("/imports", ImportEndpoints.ListAsync);
        ops.MapPost("/match", ReportEndpoints.MatchAsync);
        ops.MapGet("/payments/{id}", ReportEndpoints.ExplainAsync);
        ops.MapGet("/breaks", BreakEndpoints.ListAsync);
        ops.MapGet("/breaks/{id}", BreakEndpoints.GetAsync);
        ops.MapPost("/breaks/{id}/assign", BreakEndpoints.AssignAsync);
        ops.MapPost("/breaks/{id}/notes", BreakEndpoints.NoteAsync);
        ops.MapPost("/breaks/{id}/resolve", BreakEndpoints.ResolveAsync);
        ops.MapPost("/breaks/{id}/approve", BreakEndpoints.ApproveAsync);
    }
}
