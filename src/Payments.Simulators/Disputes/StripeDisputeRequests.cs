using System.Text;
using System.Text.Json.Nodes;
using Payments.Simulators.Books;
using Payments.Simulators.Stripe;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Disputes;

/// <summary>Stripe's disputes and files, as far as the product uses them.</summary>
public sealed class StripeDisputeRequests(DisputeDesk desk)
{
    private static readonly string[] Parameters = ["evidence", "metadata", "submit"];

    public static Answer Retrieve(Call call, Transaction books) =>
        Find(call, books) is { } dispute ? Answer.Of(200, Json(dispute)) : StripeError.NoSuch("dispute", call.Route("id"));

    public static Answer List(Call call, Transaction books)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(books);
        var p = StripeParameters.Parse(call.Http.Request.QueryString.Value ?? "");
        var (charge, intent) = (p.Text("charge"), p.Text("payment_intent"));
        return StripeList.Of(
            p, "/v1/disputes",
            books.Books.Disputes.NewestFirst().Where(d => d.Provider == Providers.Stripe && (charge is null || d.Charge == charge) && (intent is null || d.PaymentIntent == intent)),
            d => d.Created, Json);
    }

    public Answer Update(Call call, Transaction books)
    {
        ArgumentNullException.ThrowIfNull(call);
        var p = StripeParameters.Parse(Encoding.UTF8.GetString(call.Body));
        if (p.Unknown(Parameters) is { } unknown)
        {
            return StripeError.Invalid($"Received unknown parameter: {unknown}", unknown, "parameter_unknown");
        }

        if (Find(call, books) is not { } dispute)
        {
            return StripeError.NoSuch("dispute", call.Route("id"));
        }

        if (!dispute.IsOpen)
        {
            return StripeError.Refused("dispute_closed", "This dispute is already closed or under review; its evidence cannot be changed.");
        }

        var evidence = p.Map("evidence", dispute.Evidence);
        var laid = books.Put(dispute with { Evidence = evidence });
        if (!p.Flag("submit"))
        {
            return Answer.Of(200, Json(laid));
        }

        var verdict = evidence.Values.Select(v => books.EvidenceFile(v) is { } file ? file.Verdict : DisputeDesk.VerdictIn(Encoding.UTF8.GetBytes(v))).OfType<string>().Order(StringComparer.Ordinal).FirstOrDefault();
        return Answer.Of(200, Json(desk.Submitted(books, laid, verdict)));
    }

    public Answer Close(Call call, Transaction books) => Find(call, books) is not { } dispute ? StripeError.NoSuch("dispute", call.Route("id"))
        : dispute is { Status: IssuerStatus.NeedsResponse } ? Answer.Of(200, Json(desk.Accepted(books, dispute)))
        : StripeError.Refused("dispute_closed", "This dispute cannot be closed.");

    /// <summary>A multipart form; of the file only what it says is kept.</summary>
    public static Answer Upload(Call call, Transaction books)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(books);
        if (call.Http.Request.ContentType?.StartsWith("multipart/form-data; boundary=", StringComparison.Ordinal) != true || call.Body.AsSpan().IndexOf("dispute_evidence"u8) < 0)
        {
            return StripeError.Missing("file");
        }

        var file = books.Put(new EvidenceFile { Id = Identifiers.Stripe("file"), Purpose = "dispute_evidence", Bytes = call.Body.Length, Created = books.Now, Verdict = DisputeDesk.VerdictIn(call.Body) });
        return Answer.Of(200, new JsonObject { ["id"] = file.Id, ["object"] = "file", ["created"] = StripeJson.Seconds(file.Created), ["purpose"] = file.Purpose, ["size"] = file.Bytes });
    }

    public static JsonObject Json(IssuerDispute dispute)
    {
        ArgumentNullException.ThrowIfNull(dispute);
        return new JsonObject
        {
            ["id"] = dispute.Id,
            ["object"] = "dispute",
            ["amount"] = dispute.Amount,
            ["balance_transactions"] = new JsonArray([.. dispute.Moves.Select(m => StripeJson.Of(new BalanceTransaction
            {
                Id = m.Id, Amount = m.Amount, Fee = m.Fee, Currency = dispute.Currency, Type = m.Amount < 0 ? "dispute" : "dispute_reversal", Source = dispute.Id, Created = m.Created,
            }))]),
            ["charge"] = dispute.Charge,
            ["created"] = StripeJson.Seconds(dispute.Created),
            ["currency"] = dispute.Currency,
            ["enhanced_eligibility_types"] = new JsonArray(),
            ["evidence"] = StripeJson.Map(dispute.Evidence),
            ["evidence_details"] = new JsonObject
            {
                ["due_by"] = dispute.IsOpen ? StripeJson.Seconds(dispute.DueBy) : null,
                ["enhanced_eligibility"] = new JsonObject(),
                ["has_evidence"] = dispute.Evidence.Count > 0,
                ["past_due"] = dispute is { Status: IssuerStatus.Lost or IssuerStatus.Expired, Submissions: 0 },
                ["submission_count"] = dispute.Submissions,
            },
            ["is_charge_refundable"] = dispute is { IsInquiry: true, IsOpen: true },
            ["livemode"] = false,
            ["metadata"] = new JsonObject(),
            ["payment_intent"] = dispute.PaymentIntent,
            ["payment_method_details"] = dispute.IsReturn ? new JsonObject { ["type"] = "us_bank_account" } : new JsonObject { ["card"] = new JsonObject { ["brand"] = "visa", ["case_type"] = dispute.IsInquiry ? "inquiry" : "chargeback", ["network_reason_code"] = "10.4" }, ["type"] = "card" },
            ["reason"] = dispute.Reason,
            ["status"] = dispute.Status switch
            {
                IssuerStatus.Warning => "warning_needs_response",
                IssuerStatus.NeedsResponse => "needs_response",
                IssuerStatus.UnderReview => dispute.IsInquiry ? "warning_under_review" : "under_review",
                IssuerStatus.Won when dispute.IsInquiry => "warning_closed",
                IssuerStatus.Won => "won",
                IssuerStatus.Expired => "warning_closed",
                _ => "lost",
            },
        };
    }

    private static IssuerDispute? Find(Call call, Transaction books) => books.Dispute(call.Route("id")) is { Provider: Providers.Stripe } dispute ? dispute : null;
}
