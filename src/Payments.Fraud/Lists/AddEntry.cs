using Npgsql;
using Payments.Core;
using Payments.Fraud.Rules;
using Payments.Fraud.Velocity;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;

namespace Payments.Fraud.Lists;

/// <summary><c>POST risk/lists</c>. An entry that exists already is given back as it is.</summary>
internal static class AddEntry
{
    public const int MostOfMerchant = 10_000;
    public const int MostOfPlatform = 100_000;

    /// <summary>Ranges are compared one by one.</summary>
    public const int MostRanges = 1_000;

    private const int LongestReason = 200;

    internal sealed record MerchantRequest(ListAction Action, ListKind Kind, string Value, string? Reason = null);

    internal sealed record OperatorRequest(Mode Mode, ListAction Action, ListKind Kind, string Value, MerchantId? MerchantId = null, string? Reason = null);

    /// <summary>Everything that adding needs.</summary>
    internal sealed record Services(IdempotentRequests Once, RuleBooks Books, EntityHash Hash, SecretBox Box);

    private sealed record Wanted(Mode Mode, MerchantId? Merchant, ListAction Action, ListKind Kind, string Value, string? Reason);

    public static async Task<IResult> HandleAsync(RiskScope scope, HttpContext context, [AsParameters] Services services, CancellationToken cancellationToken)
    {
        if (!(await ReadAsync(scope, context, cancellationToken)).Succeeded(out var wanted, out var problem))
        {
            return problem;
        }

        var answer = await services.Once.RunAsync(context, scope.Idempotency, (work, token) => AddAsync(work, context, wanted, services, token), cancellationToken);
        await services.Books.RefreshAsync(cancellationToken);
        return answer;
    }

    private static async Task<Read<Wanted>> ReadAsync(RiskScope scope, HttpContext context, CancellationToken cancellationToken)
    {
        Wanted wanted;
        if (scope.IsOperator)
        {
            if (!(await RequestBody.ReadAsync<OperatorRequest>(context, cancellationToken)).Succeeded(out var request, out var problem))
            {
                return problem;
            }

            wanted = new(request.Mode, request.MerchantId, request.Action, request.Kind, request.Value, request.Reason);
        }
        else
        {
            if (!(await RequestBody.ReadAsync<MerchantRequest>(context, cancellationToken)).Succeeded(out var request, out var problem))
            {
                return problem;
            }

            wanted = new(scope.Mode!.Value, scope.Merchant, request.Action, request.Kind, request.Value, request.Reason);
        }

        if (ListKinds.Canonical(wanted.Kind, wanted.Value) is not { } canonical)
        {
            return ListKinds.Refuse(wanted.Kind);
        }

        if (wanted is { Kind: ListKind.Customer, Merchant: null })
        {
            return Problems.MissingField("merchant_id");
        }

        return wanted.Reason is { Length: 0 or > LongestReason }
            ? Problems.InvalidValue("reason", $"A text of 1 to {LongestReason} characters is expected.")
            : wanted with { Value = canonical };
    }

    private static async Task<IdempotentResponse> AddAsync(IdempotentWork work, HttpContext context, Wanted wanted, Services services, CancellationToken cancellationToken)
    {
        var transaction = await work.BeginAsync(cancellationToken);
        await RiskAudit.LineUpAsync(transaction, wanted.Mode, wanted.Merchant?.Value, cancellationToken);
        var (entries, ranges) = await CountAsync(transaction, wanted, cancellationToken);
        if (entries >= (wanted.Merchant is null ? MostOfPlatform : MostOfMerchant) || (wanted.Kind == ListKind.IpRange && ranges >= MostRanges))
        {
            return new Problem(409, "too_many_list_entries", $"A merchant may list up to {MostOfMerchant} values, {MostRanges} of them ranges, in each mode; remove some first.", Problems.Body);
        }

        var (entry, isNew) = await InsertAsync(transaction, work.Subject, context, wanted, services, cancellationToken);
        if (isNew)
        {
            await RiskAudit.AppendAsync(transaction, context, wanted.Mode, wanted.Merchant?.Value, "list.add", work.Subject, null, entry.Audited(), cancellationToken);
        }

        return IdempotentResponse.Created(entry);
    }

    private static async Task<(long Entries, long Ranges)> CountAsync(NpgsqlTransaction transaction, Wanted wanted, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT count(*), count(*) FILTER (WHERE kind = 'ip_range') FROM list_entries WHERE mode = $1 AND merchant_id IS NOT DISTINCT FROM $2", transaction.Connection, transaction);
        command.Parameters.AddRange(RiskScope.Values(wanted.Mode, wanted.Merchant));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    private static async Task<(ListEntry Entry, bool IsNew)> InsertAsync(
        NpgsqlTransaction transaction, Guid id, HttpContext context, Wanted wanted, Services services, CancellationToken cancellationToken)
    {
        // The update changes nothing; it makes the statement return the row that was there first.
        const string sql = $"""
            INSERT INTO list_entries AS listed (mode, merchant_id, id, action, kind, value, sealed, reason, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (mode, merchant_id, action, kind, value) DO UPDATE SET kind = listed.kind
            RETURNING {ListEntry.Columns}
            """;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction);
        command.Parameters.AddRange(RiskScope.Values(wanted.Mode, wanted.Merchant));
        command.With(
            id, Words.Of(wanted.Action), Words.Of(wanted.Kind), ListKinds.Compared(wanted.Kind, wanted.Value, wanted.Merchant, services.Hash));
        command.Parameters.Add(new() { Value = ListKinds.IsSecret(wanted.Kind) ? services.Box.Seal(wanted.Value, ListEntry.Purpose(id)) : DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = (object?)wanted.Reason ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        command.With(InternalHeaders.ActorOf(context));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var entry = ListEntry.Read(reader, services.Box);
        return (entry, entry.Id.Value == id);
    }
}
