using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Payments.Platform;
using Payments.Simulators.Adyen;
using Payments.Simulators.Books;
using Payments.Simulators.Cards;
using Payments.Simulators.Control;
using Payments.Simulators.Disputes;
using Payments.Simulators.Faults;
using Payments.Simulators.Hosting;
using Payments.Simulators.Issuer;
using Payments.Simulators.Settlement;
using Payments.Simulators.Stripe;
using Payments.Simulators.Webhooks;
using Payments.Simulators.Wire;

namespace Payments.Simulators;

/// <summary>
/// What a host adds to run this service. It listens where <c>urls</c> says (or on its two ports of the table), any https URL
/// with the certificate of its own authority.
/// </summary>
public static class SimulatorsModule
{
    private static readonly string[] PlacingKeys = ["urls", "http_ports", "https_ports"];

    public static void AddSimulators(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services.AddOptions<SimulatorsOptions>().BindConfiguration(SimulatorsOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(s => new Journal(DataOf(s)));
        services.AddSingleton(s => new FingerprintKey(DataOf(s)));
        services.AddSingleton(s => new Certificates(DataOf(s), s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<BookStore>();
        services.AddSingleton<CardReader>();
        services.AddSingleton<Chance>();
        services.AddSingleton<Settings>();
        services.AddSingleton<Latency>();
        services.AddSingleton<FaultInjector>();
        services.AddSingleton<Exchange>();
        services.AddSingleton<WebhookSender>();
        services.AddSingleton<WebhookDeliveries>();
        services.AddHostedService<Agenda>();
        services.AddStripe();
        services.AddAdyen();
        services.AddDisputes();
        services.AddSettlement();
        Listen(builder);
    }

    public static void MapSimulators(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);

        // Clients are told where the authority's certificate is before anybody connects.
        _ = app.Services.GetRequiredService<Certificates>().Leaf;
        app.MapStripe();
        app.MapAdyen("/v71");
        app.MapAdyen("/v72");
        app.MapIssuer();
        app.MapDisputes();
        app.MapSettlement();
        app.MapGet("/books/{provider}", BooksEndpoint.Read);
        app.MapDelete("/books/{provider}/charges/{reference}", BooksEndpoint.Lose);
        app.MapGet("/webhooks", BooksEndpoint.WebhooksUnderWay);
        app.MapPost("/faults", FaultsEndpoint.AddAsync);
        app.MapGet("/faults", FaultsEndpoint.List);
        app.MapDelete("/faults", FaultsEndpoint.Clear);
        app.MapGet("/settings", SettingsEndpoint.Read);
        app.MapPut("/settings", SettingsEndpoint.ChangeAsync);
    }

    private static string DataOf(IServiceProvider services) => services.GetRequiredService<IOptions<SimulatorsOptions>>().Value.Data;

    private static void Listen(WebApplicationBuilder builder)
    {
        var isPlaced = PlacingKeys.Any(key => !string.IsNullOrEmpty(builder.Configuration[key]));
        if (!isPlaced)
        {
            builder.WebHost.UseUrls($"http://localhost:{Ports.DefaultBase + Ports.Simulators}", $"https://localhost:{Ports.DefaultBase + Ports.SimulatorsHttps}");
        }

        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureHttpsDefaults(https =>
            https.ServerCertificate = kestrel.ApplicationServices.GetRequiredService<Certificates>().Leaf));
    }
}
