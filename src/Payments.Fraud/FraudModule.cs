using Microsoft.Extensions.Options;
using Payments.Core.Seams;
using Payments.Fraud.Lists;
using Payments.Fraud.Live;
using Payments.Fraud.Metrics;
using Payments.Fraud.Rules;
using Payments.Fraud.Scoring;
using Payments.Fraud.Velocity;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Inbox;
using Payments.Platform.Postgres;

namespace Payments.Fraud;

/// <summary>What a host adds to run this service.</summary>
public static class FraudModule
{
    public static void AddFraud(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        builder.AddDatabase(Names.Databases.Fraud, typeof(FraudModule).Assembly, Plumbing.Idempotency, Plumbing.Inbox);
        builder.AddPaymentsHttp();
        builder.AddIdempotency();
        services.AddSingleton(s => EntityHash.From(s.GetRequiredService<IConfiguration>()));
        services.AddSingleton(s => IpCountries.From(s.GetRequiredService<IConfiguration>()));
        services.AddSingleton<VelocityRedis>();
        services.AddSingleton<VelocityDatabase>();
        services.AddSingleton<VelocityCounters>();
        services.AddSingleton<VelocityKeeper>();
        services.AddHostedService(s => s.GetRequiredService<VelocityKeeper>());
        services.AddSingleton<RuleBooks>();
        services.AddHostedService(s => s.GetRequiredService<RuleBooks>());
        services.AddSingleton<MerchantHabits>();
        services.AddOptions<RetentionOptions>().BindConfiguration(RetentionOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton(s => s.GetRequiredService<IOptions<RetentionOptions>>().Value);
        services.AddSingleton<Retention>();
        services.AddHostedService(s => s.GetRequiredService<Retention>());
        services.AddSingleton<DecisionWriter>();
        services.AddSingleton<ModelWithinLimit>();
        builder.AddModel();
        services.AddSingleton<IFraudScorer, FraudScorer>();
        services.AddRiskMetrics();
        builder.AddEventConsumer<PaymentOutcomes>(PaymentOutcomes.Consumer, keepsCopies: false);
    }

    public static void MapFraud(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UsePaymentsHttp();
        app.MapGroup("/internal/v1").RequireInternalKey().MapPost("/score", ScorePayment.HandleAsync);
        app.MapGroup("/internal/v1").RequireInternalKey().MapRiskMetrics();
        MapRisk(app.MapGroup("/internal/v1/ops/risk").RequireInternalKey());
        MapRisk(app.MapGroup("/internal/v1/merchants/{merchant_id}/{mode}/risk").RequireInternalKey());
        app.MapGroup("/internal/v1/ops").RequireInternalKey().MapModel();
        app.MapDeadLetters();
    }

    /// <summary>The same for a merchant about its own and for operators about everything; <see cref="RiskScope"/> tells them apart.</summary>
    private static void MapRisk(RouteGroupBuilder group)
    {
        group.MapPost("/lists", AddEntry.HandleAsync);
        group.MapGet("/lists", ListEntries.HandleAsync);
        group.MapDelete("/lists/{id}", RemoveEntry.HandleAsync);
        group.MapPost("/rules", SaveRule.CreateAsync);
        group.MapGet("/rules", ReadRules.ListAsync);
        group.MapGet("/rules/{id}", ReadRules.GetAsync);
        group.MapPost("/rules/{id}/versions", SaveRule.AddVersionAsync);
        group.MapPost("/rules/{id}/dry_run", DryRunRule.HandleAsync);
        group.MapPost("/rules/{id}/activate", ActivateRule.ActivateAsync);
        group.MapPost("/rules/{id}/deactivate", ActivateRule.DeactivateAsync);
        group.MapGet("/changes", ListChanges.HandleAsync);
    }
}
