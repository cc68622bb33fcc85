using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Payments.Simulators.Books;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Adyen;

/// <summary>Adyen's Checkout endpoints. As at the vendor there is no list of payments and no query by key.</summary>
public static class AdyenRoutes
{
    public static void AddAdyen(this IServiceCollection services) => services
        .AddSingleton<AdyenDialect>()
        .AddSingleton<AdyenCards>()
        .AddSingleton<AdyenNotifications>()
        .AddSingleton<AdyenPayments>()
        .AddSingleton<AdyenModifications>()
        .AddSingleton<AdyenTechnicalCancels>()
        .AddSingleton<AdyenStoredPaymentMethods>()
        .AddSingleton<AdyenCheckout>();

    public static void MapAdyen(this IEndpointRouteBuilder app, string version)
    {
        ArgumentNullException.ThrowIfNull(app);
        var services = app.ServiceProvider;
        var exchange = services.GetRequiredService<Exchange>();
        var dialect = services.GetRequiredService<AdyenDialect>();
        var payments = services.GetRequiredService<AdyenPayments>();
        var modifications = services.GetRequiredService<AdyenModifications>();
        var stored = services.GetRequiredService<AdyenStoredPaymentMethods>();
        var checkout = services.GetRequiredService<AdyenCheckout>();
        var group = app.MapGroup(version);

        Post("/payments", Operations.Authorize, payments.Create);
        Post("/payments/details", Operations.Authorize, payments.Details);
        Post("/payments/{psp}/captures", Operations.Capture, modifications.Capture);
        Post("/payments/{psp}/cancels", Operations.Void, modifications.Cancel);
        Post("/payments/{psp}/refunds", Operations.Refund, modifications.Refund);
        Post("/payments/{psp}/reversals", Operations.Void, modifications.Reverse);
        Post("/cancels", Operations.Void, services.GetRequiredService<AdyenTechnicalCancels>().Cancel);
        Post("/paymentMethods", Operations.Read, checkout.PaymentMethods);
        Post("/sessions", Operations.Read, checkout.CreateSession);
        Post("/storedPaymentMethods", Operations.Tokenize, stored.Create);
        group.MapGet("/storedPaymentMethods", (HttpContext http) => exchange.RunAsync(http, dialect, Operations.Read, stored.List));
        group.MapDelete("/storedPaymentMethods/{id}", (HttpContext http) => exchange.RunAsync(http, dialect, Operations.Tokenize, stored.Delete));
        group.Map("/{**rest}", (HttpContext http) => exchange.RunAsync(http, dialect, Operations.Read, (_, _) => AdyenError.Of(404, "000", "Resource not found", "validation")));

        void Post(string pattern, string operation, Func<Call, Transaction, Answer> work) =>
            group.MapPost(pattern, (HttpContext http) => exchange.RunAsync(http, dialect, operation, work));
    }
}
