using Payments.Core;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Http.Seams;
using Payments.Platform.Inbox;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;
using Payments.Reconciliation.Bookings;
using Payments.Reconciliation.Breaks;
using Payments.Reconciliation.Closing;
using Payments.Reconciliation.Endpoints;
using Payments.Reconciliation.Fetching;
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
        builder.Services.AddSingleton<ClosingRounds>();
        builder.Services.AddHostedService(s => s.GetRequiredService<ClosingRounds>());
        AddFetching(builder.Services, builder.Configuration);
        builder.Services.AddSingleton<BookingRounds>();
        builder.Services.AddHostedService(s => s.GetRequiredService<BookingRounds>());
        builder.Services.AddHealthChecks().AddCheck<BookingHealth>("bookings", tags: ["ready"]).AddCheck<UnnotedHealth>("unnoted_payouts", tags: ["ready"]).AddCheck<ClosingHealth>("closings", tags: ["ready"]);
    }

    private static void AddFetching(IServiceCollection services, IConfiguration configuration)
    {
        foreach (var mode in Enum.GetValues<Mode>())
        {
            // What is set wrong is told at the start and not with the first report.
            _ = ReportAccounts.From(configuration, mode);
        }

        services.AddHttpClient(Fetcher.Client, client => client.Timeout = Timeout.InfiniteTimeSpan).ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            MaxResponseHeadersLength = 32,
        }).RemoveAllLoggers();
        services.AddSingleton<FetchList>();
        services.AddSingleton<Fetcher>();
        services.AddSingleton<StatementDirectory>();
        services.AddSingleton<FetchSignal>();
        services.AddSingleton<FetchRounds>();
        services.AddHostedService(s => s.GetRequiredService<FetchRounds>());
        services.AddHealthChecks().AddCheck<FetchHealth>("reports", tags: ["ready"]);
    }

    /// <summary>What the commands need: the database and what works on it, without consumer and rounds.</summary>
    public static void AddReconciliationTools(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services.AddOptions<ReconciliationOptions>().BindConfiguration(ReconciliationOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.AddDatabase(Names.Databases.Reconciliation, typeof(ReconciliationModule).Assembly, Plumbing.Inbox);
        services.AddSingleton<Importer>();
        services.AddSingleton<Quarantine>();
        services.AddSingleton<Matcher>();
        services.AddSingleton(s => new ClosingKeys(s.GetRequiredService<IConfiguration>(), ReconciliationOptions.Section, "reconciliation"));
        services.AddSingleton<DayClosings>();
        services.AddSingleton<DayReports>();
        services.AddSingleton<Explanations>();
        services.AddSingleton<BreakStore>();
        services.AddSingleton<BreakCorrections>();
        services.AddSingleton<LedgerJournals>();
        builder.AddInternalClient(Booker.Service);
        builder.AddInternalClient(ReportedCharges.PaymentPath);
        services.AddSingleton<ReportedCharges>();
        services.AddSingleton<BookingList>();
        services.AddSingleton<UnnotedPayouts>();
        services.AddSingleton<Booker>();
        services.AddSingleton<ExpectedPayouts>();
        services.AddSingleton<LedgerRates>();
    }

    public static void MapReconciliation(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UsePaymentsHttp();
        app.MapDeadLetters();
        app.MapPost("/internal/v1/reconciliation/announcements", AnnouncementEndpoint.HandleAsync).RequireInternalKey();
        app.MapReconciliationOperations();
    }

    /// <summary>What operators call: it needs no more than the tools.</summary>
    public static void MapReconciliationOperations(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var ops = app.MapGroup("/internal/v1/ops/reconciliation").RequireInternalKey();
        ops.MapGet("/reports", ReportEndpoints.ListAsync);
        ops.MapGet("/reports/{id}", ReportEndpoints.GetAsync);
        ops.MapPost("/reports/{id}/close", ReportEndpoints.CloseAsync);
        ops.MapGet("/imports", ImportEndpoints.ListAsync);
        ops.MapGet("/imports/{id}/quarantine", ImportEndpoints.QuarantineAsync);
        ops.MapGet("/unnoted_payouts", UnnotedPayouts.ListAsync);
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
