using System.Text.Json.Nodes;
using Payments.Simulators.Books;
using Payments.Simulators.Disputes;
using Payments.Simulators.Webhooks;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Stripe;

/// <summary>Events: recorded with the change they tell of, delivered by webhook, readable afterwards.</summary>
public static class StripeEvents
{
    /// <summary>Records events about one object, in order, each with a delivery when a webhook endpoint is set up for its type.</summary>
    public static void Tell(Transaction books, Settings settings, string about, string? part, Call? cause, params ReadOnlySpan<string> types)
    {
        ArgumentNullException.ThrowIfNull(books);
        ArgumentNullException.ThrowIfNull(settings);
        foreach (var type in types)
        {
            var happened = books.Put(new StripeEvent
            {
                Id = Identifiers.Stripe("evt"),
                Type = type,
                About = about,
                Part = part,
                Created = books.Now,
                RequestId = cause?.RequestId,
                IdempotencyKey = cause?.Key,
            });
            if (settings.StripeWebhookUrl(type) is { } url)
            {
                books.Put(Delivery.New(Providers.Stripe, happened.Id, url, books.Now));
            }
        }
    }

    public static Answer Retrieve(Call call, Transaction books)
    {
        var id = call.Route("id");
        return books.Books.Events.Find(id) is { } found ? Answer.Of(200, Json(found, 0)) : StripeError.NoSuch("event", id);
    }

    public static Answer List(Call call, Transaction books)
    {
        var p = StripeParameters.Parse(call.Http.Request.QueryString.Value ?? "");
        var types = p.List("types");
        var type = p.Text("type");
        return StripeList.Of(
            p,
            "/v1/events",
            books.Books.Events.NewestFirst(StripeList.Cursor(p)).Where(e => (type is null || Matches(e.Type, type)) && (types.Count == 0 || types.Any(t => Matches(e.Type, t)))),
            e => e.Created,
            e => Json(e, 0));
    }

    public static JsonObject Json(StripeEvent happened, int pendingWebhooks)
    {
        ArgumentNullException.ThrowIfNull(happened);
        JsonObject about = happened.Snapshot switch
        {
            PaymentIntent intent => StripeJson.Of(intent),
            Charge charge when happened.Part is not null => StripeJson.Of(charge.Refunds.Find(happened.Part)!, charge),
            Charge charge => StripeJson.Of(charge),
            IssuerDispute dispute => StripeDisputeRequests.Json(dispute),
            _ => throw new InvalidOperationException($"Event {happened.Id} has lost what it is about."),
        };
        return new JsonObject
        {
            ["id"] = happened.Id,
            ["object"] = "event",
            ["api_version"] = StripeDialect.ApiVersion,
            ["created"] = StripeJson.Seconds(happened.Created),
            ["data"] = new JsonObject { ["object"] = about },
            ["livemode"] = false,
            ["pending_webhooks"] = pendingWebhooks,
            ["request"] = new JsonObject { ["id"] = happened.RequestId, ["idempotency_key"] = happened.IdempotencyKey },
            ["type"] = happened.Type,
        };
    }

    private static bool Matches(string type, string pattern) =>
        pattern.EndsWith(".*", StringComparison.Ordinal) ? type.StartsWith(pattern[..^1], StringComparison.Ordinal) : type == pattern;
}
