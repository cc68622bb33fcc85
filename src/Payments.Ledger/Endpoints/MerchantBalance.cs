using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using Payments.Core;
using Payments.Ledger.Books;
using Payments.Platform.Http;

namespace Payments.Ledger.Endpoints;

/// <summary>An amount in minor units.</summary>
public sealed record BalanceAmount(string Currency, long Amount);

/// <summary>A merchant's balance. Each list has the same currencies: those in which the merchant ever had a payment authorized.</summary>
/// <param name="Pending">Captured less commission and refunds, not settled yet; below zero after refunds without new captures.</param>
/// <param name="Available">Settled and in no payout yet.</param>
/// <param name="Reserved">Kept back as a reserve.</param>
/// <param name="Authorized">Held on customers' cards and not captured; not the merchant's money yet, and in none of the others.</param>
public sealed record MerchantBalanceView(
    string Object, Mode Mode, IReadOnlyList<BalanceAmount> Pending, IReadOnlyList<BalanceAmount> Available, IReadOnlyList<BalanceAmount> Reserved, IReadOnlyList<BalanceAmount> Authorized);

/// <summary><c>GET /internal/v1/merchants/{merchant}/{mode}/balance</c></summary>
internal static class MerchantBalance
{
    public static async Task<Results<Ok<MerchantBalanceView>, Problem>> GetAsync(
        HttpContext context, string merchant, string mode, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (!MerchantPath.TryRead(merchant, mode, out var of))
        {
            return Problems.NotFound("merchant", "merchant");
        }

        if (new RequestQuery(context).Problem is { } problem)
        {
            return problem;
        }

        var rows = new List<(string Kind, string Currency, long Posted, long Held)>();
        await using var command = database.CreateCommand("""
            SELECT a.kind, a.currency, b.credits - b.debits, b.pending_credits - b.pending_debits
            FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
            WHERE a.mode = $1 AND a.owner = $2 ORDER BY a.currency
            """);
        command.Parameters.Add(new() { Value = Account.Text(of.Mode) });
        command.Parameters.Add(new() { Value = of.Merchant.ToString() });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add((reader.GetString(0), reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3)));
        }

        var currencies = rows.Select(r => r.Currency).Distinct().ToArray();
        BalanceAmount[] Of(AccountKind kind, bool held = false) =>
            [.. currencies.Select(c => new BalanceAmount(c, rows.Where(r => r.Currency == c && r.Kind == Chart.Of(kind).Code).Sum(r => held ? r.Held : r.Posted)))];
        // A payout on its way holds what it pays.
        static BalanceAmount[] Less(BalanceAmount[] posted, BalanceAmount[] held) => [.. posted.Zip(held, (p, h) => p with { Amount = p.Amount + h.Amount })];
        return TypedResults.Ok(new MerchantBalanceView(
            "balance", of.Mode, Of(AccountKind.MerchantPending), Less(Of(AccountKind.MerchantPayable), Of(AccountKind.MerchantPayable, held: true)), Of(AccountKind.MerchantReserve), Of(AccountKind.MerchantPending, held: true)));
    }
}

/// <summary>Whose books a path under <c>/internal/v1/merchants/{merchant}/{mode}</c> is about.</summary>
internal static class MerchantPath
{
    public static bool TryRead(string merchant, string mode, out (MerchantId Merchant, Mode Mode) of)
    {
        var read = Id.TryParse<MerchantId>(merchant, out var id) & ModeNames.TryParse(mode, out var which);
        of = (id, which);
        return read;
    }
}
