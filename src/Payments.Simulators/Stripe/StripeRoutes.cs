using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Payments.Simulators.Books;
using Payments.Simulators.Settlement;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Stripe;

/// <summary>Stripe's endpoints, as far as the product uses them.</summary>
public static class StripeRoutes
{
    public static void AddStripe(this IServiceCollection services) => services
        .AddSingleton<StripeDialect>()
        .AddSingleton<StripePaymentMethods>()
        .AddSingleton<StripeCustomers>()
        .AddSingleton<StripeAuthorization>()
        .AddSingleton<StripeDebits>()
        .AddSingleton<StripeIntents>()
        .AddSingleton<StripeCaptures>()
        .AddSingleton<StripeCancellations>()
        .AddSingleton<StripeRefunds>();

    public static void MapStripe(this IEndpointRouteBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var services = app.ServiceProvider;
        var exchange = services.GetRequiredService<Exchange>();
        var dialect = services.GetRequiredService<StripeDialect>();
        var methods = services.GetRequiredService<StripePaymentMethods>();
        var intents = services.GetRequiredService<StripeIntents>();
        var v1 = app.MapGroup("/v1");

        Post("/payment_methods", Operations.Tokenize, methods.Create);
        Get("/payment_methods", StripePaymentMethods.ListOfCustomer);
        Get("/payment_methods/{id}", StripePaymentMethods.Retrieve);
        Post("/payment_methods/{id}/attach", Operations.Tokenize, methods.Attach);
        Post("/payment_methods/{id}/detach", Operations.Tokenize, StripePaymentMethods.Detach);

        Post("/customers", Operations.Tokenize, services.GetRequiredService<StripeCustomers>().Create);
        Get("/customers", StripeCustomers.List);
        Get("/customers/{id}", StripeCustomers.Retrieve);
        Get("/customers/{id}/payment_methods", StripePaymentMethods.ListOfCustomer);

        Post("/payment_intents", Operations.Authorize, intents.Create);
        Get("/payment_intents", StripeIntents.List);
        Get("/payment_intents/{id}", StripeIntents.Retrieve);
        Post("/payment_intents/{id}", Operations.Authorize, intents.Update);
        Post("/payment_intents/{id}/confirm", Operations.Authorize, intents.Confirm);
        Post("/payment_intents/{id}/capture", Operations.Capture, services.GetRequiredService<StripeCaptures>().Capture);
        Post("/payment_intents/{id}/cancel", Operations.Void, services.GetRequiredService<StripeCancellations>().Cancel);

        Get("/charges", StripeCharges.List);
        Get("/charges/{id}", StripeCharges.Retrieve);

        Post("/refunds", Operations.Refund, services.GetRequiredService<StripeRefunds>().Create);
        Get("/refunds", StripeRefunds.List);
        Get("/refunds/{id}", StripeRefunds.Retrieve);

        var payouts = services.GetRequiredService<StripePayouts>();
        Get("/payouts", payouts.List);
        Get("/payouts/{id}", payouts.Retrieve);
        Get("/balance_transactions", (call, books) => payouts.Transactions(call, books) ?? StripeBalance.List(call, books));
        Get("/balance_transactions/{id}", StripeBalance.Retrieve);
        Get("/events", StripeEvents.List);
        Get("/events/{id}", StripeEvents.Retrieve);

        v1.Map("/{**rest}", (HttpContext http) => exchange.RunAsync(http, dialect, Operations.Read, (_, _) =>
            StripeError.Invalid($"Unrecognized request URL ({http.Request.Method}: {http.Request.Path}).", null, status: 404)));

        void Get(string pattern, Func<Call, Transaction, Answer> work) =>
            v1.MapGet(pattern, (HttpContext http) => exchange.RunAsync(http, dialect, Operations.Read, work));

        void Post(string pattern, string operation, Func<Call, Transaction, Answer> work) =>
            v1.MapPost(pattern, (HttpContext http) => exchange.RunAsync(http, dialect, operation, work));
    }
}
