using System.Text.Json.Nodes;
using Payments.Core;
using Payments.Simulators.Books;
using Payments.Simulators.Stripe;
using Payments.Simulators.Wire;

namespace Payments.Simulators.Settlement;

/// <summary>
/// Stripe's payouts as its API shows them: one for each day and currency up to the day that was paid out last, and what is in each, the
/// payout's own transaction among it. With the same faults as the report.
/// </summary>
internal sealed class StripePayouts(SettlementFaults faults)
{
    private readonly Lock gate = new();
    private DateOnly paidThrough = DateOnly.MinValue;

    private sealed record Payout(string Id, DateOnly Day, Currency Currency, IReadOnlyList<SettledMovement> Lines)
    {
        public long Amount => Lines.Sum(l => l.PaidNet);

        public DateTimeOffset Created => new(Day.AddDays(1).ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);

        public DateTimeOffset Arrival => new(SettlementReports.PaidOn(Day).ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
    }

    public void PayThrough(DateOnly day)
    {
        lock (gate)
        {
            paidThrough = day;
        }
    }

    public Answer List(Call call, Transaction books)
    {
        var p = StripeParameters.Parse(call.Http.Request.QueryString.Value ?? "");
        return StripeList.Of(p, "/v1/payouts", Payouts(books).OrderByDescending(o => o.Created).ThenBy(o => o.Id, StringComparer.Ordinal), o => o.Id, o => o.Created, Json);
    }

    public Answer Retrieve(Call call, Transaction books)
    {
        var id = call.Route("id");
        return Payouts(books).FirstOrDefault(o => o.Id == id) is { } payout ? Answer.Of(200, Json(payout)) : StripeError.NoSuch("payout", id);
    }

    /// <summary>Null where they are not asked for by payout.</summary>
    public Answer? Transactions(Call call, Transaction books)
    {
        var p = StripeParameters.Parse(call.Http.Request.QueryString.Value ?? "");
        if (p.Text("payout") is not { } id)
        {
            return null;
        }

        if (Payouts(books).FirstOrDefault(o => o.Id == id) is not { } payout)
        {
            return StripeError.NoSuch("payout", id);
        }

        var lines = payout.Lines.Select(l => (Id: l.Transaction, l.At, Json: Json(l))).Append((Id: "txn_" + payout.Id, At: payout.Created, Json: PaidOut(payout)));
        return StripeList.Of(p, "/v1/balance_transactions", lines.OrderByDescending(l => l.At).ThenBy(l => l.Id, StringComparer.Ordinal), l => l.Id, l => l.At, l => l.Json);
    }

    private List<Payout> Payouts(Transaction books)
    {
        DateOnly through;
        lock (gate)
        {
            through = paidThrough;
        }

        // A line that is booked on the next day is paid out with it.
        return
        [
            .. faults.Strike(Providers.Stripe, SettledMovements.Within(books.Books, Providers.Stripe, DateOnly.MinValue, through))
                .GroupBy(l => (Id: SettlementReports.PayoutOf(l), Day: DateOnly.FromDateTime(l.At.UtcDateTime), l.PaidOutIn))
                .Select(g => new Payout(g.Key.Id, g.Key.Day, g.Key.PaidOutIn, [.. g])),
        ];
    }

    private static JsonObject Json(Payout payout) => new()
    {
        ["id"] = payout.Id,
        ["object"] = "payout",
        ["amount"] = payout.Amount,
        ["arrival_date"] = payout.Arrival.ToUnixTimeSeconds(),
        ["automatic"] = true,
        ["balance_transaction"] = "txn_" + payout.Id,
        ["created"] = payout.Created.ToUnixTimeSeconds(),
        ["currency"] = payout.Currency.Code.ToLowerInvariant(),
        ["livemode"] = false,
        ["method"] = "standard",
        ["reconciliation_status"] = "completed",
        ["status"] = "paid",
        ["type"] = "bank_account",
    };

    private static JsonObject PaidOut(Payout payout) => Transaction("txn_" + payout.Id, "payout", "payout", payout.Currency, -payout.Amount, 0, payout.Created, payout.Id);

    private static JsonObject Json(SettledMovement line)
    {
        var (type, category) = line.Kind switch
        {
            SettledKind.Capture => ("charge", "charge"),
            SettledKind.Refund => ("refund", "refund"),
            SettledKind.Chargeback or SettledKind.SecondChargeback => ("adjustment", "dispute"),
            SettledKind.ChargebackReversal => ("adjustment", "dispute_reversal"),
            _ => ("refund_failure", "refund_failure"),
        };
        var source = new JsonObject
        {
            ["id"] = line.Reference,
            ["object"] = line.Kind switch { SettledKind.Capture => "charge", SettledKind.Refund or SettledKind.RefundReversal => "refund", _ => "dispute" },
            ["amount"] = Math.Abs(line.Amount),
            ["currency"] = line.Currency.Code.ToLowerInvariant(),
            ["payment_intent"] = line.Payment,
        };
        return Transaction(line.Transaction, type, category, line.PaidOutIn, line.PaidGross, line.PaidFee, line.At, source);
    }

    private static JsonObject Transaction(string id, string type, string category, Currency currency, long amount, long fee, DateTimeOffset created, JsonNode source) => new()
    {
        ["id"] = id,
        ["object"] = "balance_transaction",
        ["amount"] = amount,
        ["created"] = created.ToUnixTimeSeconds(),
        ["currency"] = currency.Code.ToLowerInvariant(),
        ["fee"] = fee,
        ["net"] = amount - fee,
        ["reporting_category"] = category,
        ["source"] = source,
        ["status"] = "available",
        ["type"] = type,
    };
}
