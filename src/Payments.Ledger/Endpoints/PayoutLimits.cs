using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Endpoints;

/// <param name="Currency"><c>*</c>: of every currency without a limit of its own.</param>
/// <param name="Above">A payout of more, in minor units, needs two people.</param>
public sealed record PayoutLimitView(string Object, string Currency, long Above);

/// <param name="Counts">False: it lets more go out than before, and another person has to ask for the same.</param>
public sealed record PayoutLimitRequestView(string Object, string Currency, long Above, string Reason, bool Counts);

/// <summary><c>GET</c> and <c>POST /internal/v1/ops/payout_limits</c>: from which amount on a payout needs two people.</summary>
internal static class PayoutLimits
{
    private const string EveryOther = "*";
    private const int LongestReason = 2000;
    private const long Most = 1_000_000_000_000;

    internal sealed record Request(string Currency, long Above, string Reason);

    public static async Task<Results<Ok<Page<PayoutLimitView>>, Problem>> ListAsync(HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (new RequestQuery(context).Problem is { } problem)
        {
            return problem;
        }

        await using var command = database.CreateCommand("SELECT currency, above FROM ledger.payout_limits ORDER BY currency");
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var limits = new List<PayoutLimitView>();
        while (await row.ReadAsync(cancellationToken))
        {
            limits.Add(new("payout_limit", row.GetString(0), row.GetInt64(1)));
        }

        return TypedResults.Ok(Page.Whole<PayoutLimitView>(limits));
    }

    public static async Task<IResult> SetAsync(HttpContext context, IdempotentRequests requests, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var wanted, out var problem))
        {
            return problem;
        }

        if (wanted.Currency != EveryOther && !Currency.TryFind(wanted.Currency, out _))
        {
            return Problems.InvalidValue("currency", "An accepted currency is expected, or * for every other.");
        }

        if (wanted.Above is < 0 or > Most)
        {
            return Problems.InvalidValue("above", $"An amount from 0 to {Most} is expected.");
        }

        if (wanted.Reason.Length is 0 or > LongestReason)
        {
            return Problems.InvalidValue("reason", $"A text of 1 to {LongestReason} characters is expected.");
        }

        return await requests.RunAsync(context, OperatorScope.Of(context), async (work, cancellation) =>
        {
            var transaction = await work.BeginAsync(cancellation);
            await using var command = new NpgsqlCommand("SELECT ledger.set_payout_limit($1, $2, $3, $4)", transaction.Connection, transaction)
                .With(wanted.Currency, wanted.Above, InternalHeaders.PersonOf(context), wanted.Reason);
            var counts = await command.ExecuteScalarAsync(cancellation) is true;
            return IdempotentResponse.Ok(new PayoutLimitRequestView("payout_limit_request", wanted.Currency, wanted.Above, wanted.Reason, counts));
        }, cancellationToken);
    }
}
