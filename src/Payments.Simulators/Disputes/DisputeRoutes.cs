using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Payments.Simulators.Adyen;
using Payments.Simulators.Books;
using Payments.Simulators.Control;
using Payments.Simulators.Faults;
using Payments.Simulators.Stripe;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Disputes;

/// <summary>
/// The vendors' endpoints, and the issuer's own: <c>POST /disputes</c> opens one of a charge, <c>POST /disputes/{id}/decide</c> ends it,
/// <c>GET /disputes</c> lists them.
/// </summary>
internal static class DisputeRoutes
{
    /// <param name="Charge">The provider's name of the payment: payment intent, charge or PSP reference.</param>
    /// <param name="Inquiry">The bank only asks: no money moves.</param>
    private sealed record Opening(string Provider, string Charge, long? Amount = null, string Reason = "fraudulent", bool Inquiry = false, int? EvidenceMilliseconds = null);

    /// <param name="Outcome">won or lost.</param>
    private sealed record Decision(string Outcome);

    public static void AddDisputes(this IServiceCollection services) =>
        services.AddSingleton<DisputeDesk>().AddSingleton<StripeDisputeRequests>().AddSingleton<AdyenDisputeService>();

    public static void MapDisputes(this IEndpointRouteBuilder app)
    {
        var services = app.ServiceProvider;
        var (exchange, stripe, adyen) = (services.GetRequiredService<Exchange>(), services.GetRequiredService<StripeDialect>(), services.GetRequiredService<AdyenDialect>());
        var (requests, service) = (services.GetRequiredService<StripeDisputeRequests>(), services.GetRequiredService<AdyenDisputeService>());
        app.MapGet("/v1/disputes", http => exchange.RunAsync(http, stripe, Operations.Read, StripeDisputeRequests.List));
        app.MapGet("/v1/disputes/{id}", http => exchange.RunAsync(http, stripe, Operations.Read, StripeDisputeRequests.Retrieve));
        app.MapPost("/v1/disputes/{id}", http => exchange.RunAsync(http, stripe, Operations.Dispute, requests.Update));
        app.MapPost("/v1/disputes/{id}/close", http => exchange.RunAsync(http, stripe, Operations.Dispute, requests.Close));
        app.MapPost("/v1/files", http => exchange.RunAsync(http, stripe, Operations.Upload, StripeDisputeRequests.Upload));

        var group = app.MapGroup("/ca/services/DisputeService/v30");
        group.MapPost("/retrieveApplicableDefenseReasons", http => exchange.RunAsync(http, adyen, Operations.Read, service.Reasons));
        group.MapPost("/supplyDefenseDocument", http => exchange.RunAsync(http, adyen, Operations.Upload, service.Supply));
        group.MapPost("/defendDispute", http => exchange.RunAsync(http, adyen, Operations.Dispute, service.Defend));
        group.MapPost("/acceptDispute", http => exchange.RunAsync(http, adyen, Operations.Dispute, service.Accept));

        app.MapGet("/disputes", (BookStore books) => TypedResults.Json(books.Read(b => b.Disputes.NewestFirst().ToList()), ControlJson.Options));
        app.MapPost("/disputes", OpenAsync);
        app.MapPost("/disputes/{id}/decide", DecideAsync);
    }

    private static async Task<IResult> OpenAsync(HttpContext http, BookStore books, DisputeDesk desk)
    {
        var (opening, problem) = await ControlBody.ReadAsync<Opening>(http);
        if (problem is not null)
        {
            return problem;
        }

        var opened = books.Write(b => (b.Charge(opening!.Charge) ?? b.Charge(b.PaymentIntent(opening.Charge)?.LatestCharge)) is { AmountCaptured: > 0 } charge && charge.Provider == opening.Provider
            ? desk.Open(b, charge, opening.Amount ?? charge.AmountCaptured, opening.Reason, opening.Inquiry, opening.EvidenceMilliseconds is { } time ? TimeSpan.FromMilliseconds(time) : null)
            : null);
        return opened is null ? ControlBody.Bad("There is no captured charge of this name.") : TypedResults.Json(opened, ControlJson.Options, statusCode: StatusCodes.Status201Created);
    }

    private static async Task<IResult> DecideAsync(string id, HttpContext http, BookStore books, DisputeDesk desk)
    {
        var (decision, problem) = await ControlBody.ReadAsync<Decision>(http);
        if (problem is not null)
        {
            return problem;
        }

        if (decision!.Outcome is not ("won" or "lost"))
        {
            return ControlBody.Bad("outcome is won or lost.");
        }

        var decided = books.Write(b => b.Dispute(id) is { } dispute ? desk.Decided(b, dispute, decision.Outcome == "won") : null);
        return decided is null ? ControlBody.Bad("There is no such dispute.") : TypedResults.Json(decided, ControlJson.Options);
    }
}
