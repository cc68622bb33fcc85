using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Payments.Core;
using Payments.Fraud.Registry;
using Payments.Fraud.Scoring;
using Payments.Platform.Http.Seams;
using Payments.Platform.Inbox;

namespace Payments.Fraud.Live;

/// <summary>The model as a part of the fraud service.</summary>
internal static class ModelModule
{
    /// <summary>Needs the service's database with <see cref="Platform.Postgres.Plumbing.Inbox"/>.</summary>
    public static void AddModel(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<ModelOptions>().BindConfiguration(ModelOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton(s => s.GetRequiredService<IOptions<ModelOptions>>().Value);
        services.AddSingleton<ModelRegistry>();
        services.AddSingleton<LoadedModels>();
        services.AddSingleton<LiveFeatures>();
        services.AddSingleton<LiveFigures>();
        services.AddSingleton<ModelMetrics>();
        services.AddSingleton<ModelReasons>();
        services.AddSingleton<StoredOccurrences>();
        services.AddSingleton(s => new Replica(s.GetRequiredService<IdSource>().New<Core.EventId>().Value));
        services.AddSingleton<ScoredRows>();
        services.AddHostedService(s => s.GetRequiredService<ScoredRows>());
        services.AddSingleton<ModelFeed>();
        services.AddHostedService(s => s.GetRequiredService<ModelFeed>());
        services.AddSingleton<StoredRows>();
        services.AddSingleton<Retraining>();
        services.AddHostedService(s => s.GetRequiredService<Retraining>());
        builder.AddInternalClient(SecondLook.PaymentPath);
        services.AddSingleton<SecondLook>();
        services.AddHostedService(s => s.GetRequiredService<SecondLook>());
        services.TryAddSingleton<IModelScorer, LiveModelScorer>();
        builder.AddEventConsumer<OutcomeIntake>(OutcomeIntake.Consumer, keepsCopies: false);
    }

    /// <param name="ops"><c>/internal/v1/ops</c></param>
    public static void MapModel(this RouteGroupBuilder ops)
    {
        ops.MapGet("/risk/models", ModelEndpoints.ListAsync);
        ops.MapGet("/risk/models/{id}", ModelEndpoints.GetAsync);
        ops.MapPost("/risk/models/{id}/promote", ModelEndpoints.PromoteAsync);
        ops.MapGet("/risk/payments/{id}/reasons", ModelReasons.HandleAsync);
    }
}
