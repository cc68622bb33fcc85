using Payments.Core.Seams;
using Payments.Fraud.Blocklist;
using Payments.Fraud.Scoring;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Postgres;

namespace Payments.Fraud;

/// <summary>What a host adds to run this service.</summary>
public static class FraudModule
{
    public static void AddFraud(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddDatabase(Names.Databases.Fraud, typeof(FraudModule).Assembly, Plumbing.Idempotency);
        builder.AddPaymentsHttp();
        builder.AddIdempotency();
        builder.Services.AddSingleton<IFraudScorer, FraudScorer>();
    }

    public static void MapFraud(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UsePaymentsHttp();
        var group = app.MapGroup("/internal/v1").RequireInternalKey();
        group.MapPost("/score", ScorePayment.HandleAsync);
        group.MapPost("/ops/blocklist", AddEntry.HandleAsync);
        group.MapGet("/ops/blocklist", ListEntries.HandleAsync);
        group.MapDelete("/ops/blocklist/{id}", RemoveEntry.HandleAsync);
    }
}
