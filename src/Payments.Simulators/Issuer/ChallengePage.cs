using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Payments.Simulators.Books;
using Payments.Simulators.Stripe;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Issuer;

/// <summary>
/// The card issuer's 3-D Secure page: the shopper approves or rejects, by button or by a plain POST with <c>outcome</c>, and is
/// sent back to the merchant with the parameters of the vendor in question.
/// </summary>
public static class ChallengePage
{
    private const string Html = "text/html; charset=utf-8";

    public static void MapIssuer(this IEndpointRouteBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var books = app.ServiceProvider.GetRequiredService<BookStore>();
        var stripe = app.ServiceProvider.GetRequiredService<StripeAuthorization>();
        app.MapGet("/3ds/{id}", (string id) => Show(id, books));
        app.MapPost("/3ds/{id}", (string id, HttpContext http) => AnswerAsync(id, http, books, stripe));
    }

    private static ContentHttpResult Show(string id, BookStore books)
    {
        var awaited = books.Read(b => b.PaymentIntents.Find(id) is { Status: "requires_action" } intent ? $"{intent.Amount} {intent.Currency.ToUpperInvariant()}"
            : b.Charges.Find(id) is { Status: ChargeStatus.RequiresAction } charge ? $"{charge.Amount} {charge.Currency}" : null);
        return awaited is null
            ? Page(404, "<p>There is nothing to confirm here.</p>")
            : Page(200, $"""
                <p>A merchant asks for <strong>{HtmlEncoder.Default.Encode(awaited)}</strong> (in the currency's smallest unit).</p>
                <form method="post">
                  <button name="outcome" value="approve">Approve</button>
                  <button name="outcome" value="reject">Reject</button>
                </form>
                """);
    }

    private static async Task<IResult> AnswerAsync(string id, HttpContext http, BookStore books, StripeAuthorization stripe)
    {
        var outcome = http.Request.HasFormContentType
            ? (await http.Request.ReadFormAsync(http.RequestAborted))["outcome"].ToString()
            : http.Request.Query["outcome"].ToString();
        if (outcome is not ("approve" or "reject"))
        {
            return Page(400, "<p>The outcome must be approve or reject.</p>");
        }

        var isApproved = outcome == "approve";
        var call = new Call(http, [], null, Identifiers.StripeRequest(), "");
        var target = books.Write(transaction =>
            ReturnFromStripe(call, transaction, stripe, id, isApproved) ?? ReturnFromAdyen(transaction, id, isApproved));
        return target switch
        {
            null => Page(404, "<p>There is nothing to confirm here.</p>"),
            "" => Page(200, "<p>Done. You may close this page.</p>"),
            _ => new SeeOther(target),
        };
    }

    private static string? ReturnFromStripe(Call call, Transaction books, StripeAuthorization stripe, string id, bool isApproved)
    {
        if (books.PaymentIntent(id) is not { Status: "requires_action" } intent)
        {
            return null;
        }

        var answered = stripe.Complete(call, books, intent, isApproved);
        return intent.ReturnUrl is null
            ? ""
            : QueryHelpers.AddQueryString(intent.ReturnUrl, new Dictionary<string, string?>
            {
                ["payment_intent"] = intent.Id,
                ["payment_intent_client_secret"] = intent.ClientSecret,
                ["redirect_status"] = answered.Status is "succeeded" or "requires_capture" ? "succeeded" : "failed",
            });
    }

    private static string? ReturnFromAdyen(Transaction books, string id, bool isApproved)
    {
        if (books.Charge(id) is not { Status: ChargeStatus.RequiresAction, Challenge: { } challenge } charge)
        {
            return null;
        }

        var result = $"{charge.Id}.{Identifiers.Token(40)}.{(isApproved ? "Y" : "N")}";
        books.Put(charge with { Challenge = challenge with { Result = result } });
        return QueryHelpers.AddQueryString(challenge.ReturnUrl, "redirectResult", result);
    }

    private static ContentHttpResult Page(int status, string inner) => TypedResults.Content(
        $$"""
        <!doctype html>
        <html lang="en">
        <head><meta charset="utf-8"><title>Simulated card issuer</title>
        <style>body{font:16px sans-serif;max-width:32em;margin:4em auto}button{font:inherit;padding:.5em 1.5em;margin-right:1em}</style></head>
        <body><h1>Simulated card issuer</h1>{{inner}}</body>
        </html>
        """,
        Html,
        statusCode: status);

    /// <summary>303: the browser fetches the merchant's page with GET, whatever method brought it here.</summary>
    private sealed class SeeOther(string location) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = StatusCodes.Status303SeeOther;
            httpContext.Response.Headers.Location = location;
            return Task.CompletedTask;
        }
    }
}
