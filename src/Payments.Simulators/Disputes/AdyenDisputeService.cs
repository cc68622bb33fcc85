using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using Payments.Simulators.Adyen;
using Payments.Simulators.Books;
using Payments.Simulators.Cards;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Disputes;

/// <summary>Adyen's Disputes API (DisputeService v30). Refusals are HTTP 200 with <c>success: false</c>.</summary>
public sealed class AdyenDisputeService(DisputeDesk desk, IOptions<SimulatorsOptions> options)
{
    private const string Provided = "GOODS_OR_SERVICES_PROVIDED";
    private const string Authenticated = "THREE_DS_LIABILITY_SHIFT";

    public Answer Reasons(Call call, Transaction books) => Run(call, books, (dispute, _) =>
    {
        var json = Result(true, null);
        json["defenseReasons"] = dispute.IsOpen
            ? new JsonArray([.. ReasonsOf(books, dispute).Select(reason => new JsonObject
            {
                ["defenseReasonCode"] = reason,
                ["defenseDocumentTypes"] = new JsonArray(
                    new JsonObject { ["available"] = dispute.Evidence.Count > 0, ["defenseDocumentTypeCode"] = "DefenseMaterial", ["requirementLevel"] = "Required" },
                    new JsonObject { ["available"] = false, ["defenseDocumentTypeCode"] = "TIDorInvoice", ["requirementLevel"] = "Optional" }),
                ["satisfied"] = dispute.Evidence.Count > 0,
            })])
            : new JsonArray();
        return json;
    });

    public Answer Supply(Call call, Transaction books) => Run(call, books, (dispute, body) =>
    {
        if (!dispute.IsOpen || body["defenseDocuments"] is not JsonArray { Count: > 0 } documents)
        {
            return Result(false, "Dispute cannot be defended");
        }

        var evidence = new Dictionary<string, string>(dispute.Evidence);
        foreach (var document in documents.OfType<JsonObject>())
        {
            if ((string?)document["contentType"] is not ("application/pdf" or "image/jpeg" or "image/tiff") || (string?)document["content"] is not { Length: > 0 } content || (string?)document["defenseDocumentTypeCode"] is not { } type)
            {
                return Result(false, "Document is not of a supported type");
            }

            evidence[type] = DisputeDesk.VerdictIn(Convert.FromBase64String(content)) ?? "document";
        }

        books.Put(dispute with { Evidence = evidence });
        return Result(true, null);
    });

    public Answer Defend(Call call, Transaction books) => Run(call, books, (dispute, body) =>
    {
        if (!dispute.IsOpen || dispute.Evidence.Count == 0 || (string?)body["defenseReasonCode"] is not { } reason || !ReasonsOf(books, dispute).Contains(reason))
        {
            return Result(false, "Dispute cannot be defended");
        }

        desk.Submitted(books, dispute with { DefenseReason = reason }, dispute.Evidence.Values.Where(v => v is "won" or "lost").Order(StringComparer.Ordinal).FirstOrDefault());
        return Result(true, null);
    });

    public Answer Accept(Call call, Transaction books) => Run(call, books, (dispute, _) =>
    {
        if (!dispute.IsOpen)
        {
            return Result(false, "Dispute cannot be accepted");
        }

        desk.Accepted(books, dispute);
        return Result(true, null);
    });

    // Against a claim of fraud the authentication too, where the issuer took part in it.
    private static string[] ReasonsOf(Transaction books, IssuerDispute dispute) =>
        dispute.Reason == "fraudulent" && books.Charge(dispute.Charge)?.ThreeDSecure is Authenticator.Success or "attempt_acknowledged" ? [Provided, Authenticated] : [Provided];

    private Answer Run(Call call, Transaction books, Func<IssuerDispute, JsonObject, JsonObject> work)
    {
        ArgumentNullException.ThrowIfNull(books);
        var (request, unparsed) = AdyenRequest.Parse(call);
        if (unparsed is not null)
        {
            return unparsed;
        }

        if (AdyenChecks.MerchantAccount(request!.Text("merchantAccountCode"), options.Value.Adyen.MerchantAccount) is { } refused)
        {
            return refused;
        }

        return books.Dispute(request.Text("disputePspReference")) is { Provider: Providers.Adyen } dispute
            ? Answer.Of(200, work(dispute, JsonNode.Parse(call.Body)!.AsObject()))
            : Answer.Of(200, Result(false, "Dispute not found"));
    }

    private static JsonObject Result(bool success, string? error)
    {
        var result = new JsonObject { ["success"] = success };
        if (error is not null)
        {
            result["errorMessage"] = error;
        }

        return new JsonObject { ["disputeServiceResult"] = result };
    }
}
