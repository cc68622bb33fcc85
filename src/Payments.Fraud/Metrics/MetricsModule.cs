using Payments.Core.Seams;
using Payments.Fraud.Scoring;

namespace Payments.Fraud.Metrics;

internal static class MetricsModule
{
    /// <summary>Measures decisions and models, and computes the risk metrics. To be called after scorer and model are registered.</summary>
    public static void AddRiskMetrics(this IServiceCollection services)
    {
        services.AddSingleton<DecisionTimes>();
        services.AddHostedService(s => s.GetRequiredService<DecisionTimes>());
        services.AddSingleton<RiskGauges>();
        services.AddHostedService(s => s.GetRequiredService<RiskGauges>());
        services.Measure<IFraudScorer>((s, inner) => new MeasuredScorer(inner, s.GetRequiredService<DecisionTimes>(), s.GetRequiredService<TimeProvider>()));
        services.Measure<IModelScorer>((s, inner) => new MeasuredModel(inner, s.GetRequiredService<DecisionTimes>(), s.GetRequiredService<TimeProvider>()));
    }

    public static void MapRiskMetrics(this RouteGroupBuilder group) => group.MapGet("/ops/risk/metrics", ReadRiskMetrics.HandleAsync);

    private static void Measure<T>(this IServiceCollection services, Func<IServiceProvider, T, T> around)
        where T : class
    {
        var inner = services.Last(d => d.ServiceType == typeof(T) && !d.IsKeyedService);
        services.Remove(inner);
        services.AddSingleton(s => around(s, (T)(
            inner.ImplementationInstance ?? inner.ImplementationFactory?.Invoke(s) ?? ActivatorUtilities.CreateInstance(s, inner.ImplementationType!))));
    }
}
