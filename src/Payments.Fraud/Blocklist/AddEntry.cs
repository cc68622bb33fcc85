using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Fraud.Blocklist;

/// <summary><c>POST /internal/v1/ops/blocklist</c>. An entry that exists already is given back as it is.</summary>
internal static class AddEntry
{
    private const int LongestReason = 200;

    internal sealed record Request(Mode Mode, BlockKind Kind, string Value, MerchantId? MerchantId = null, string? Reason = null);

    public static async Task<IResult> HandleAsync(HttpContext context, IdempotentRequests once, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (Refuse(request) is { } refused)
        {
            return refused;
        }

        return await once.RunAsync(
            context,
            IdempotencyScope.Operators,
            async (work, token) =>
            {
                var transaction = await work.BeginAsync(token);
                return IdempotentResponse.Created(await InsertAsync(transaction, BlocklistEntryId.From(work.Subject), request, token));
            },
            cancellationToken);
    }

    private static Problem? Refuse(Request request)
    {
        var fits = request.Kind == BlockKind.Bin
            ? request.Value.Length == 6 && request.Value.All(char.IsAsciiDigit)
            : request.Value.Length == 64 && request.Value.All(char.IsAsciiHexDigitLower);
        if (!fits)
        {
            return Problems.InvalidValue("value", request.Kind == BlockKind.Bin ? "Six digits are expected." : "The 64 lower-case hexadecimal digits of a card fingerprint are expected.");
        }

        return request.Reason is { Length: 0 or > LongestReason } ? Problems.InvalidValue("reason", $"A text of 1 to {LongestReason} characters is expected.") : null;
    }

    private static async Task<BlocklistEntry> InsertAsync(NpgsqlTransaction transaction, BlocklistEntryId id, Request request, CancellationToken cancellationToken)
    {
        // The update changes nothing; it makes the statement return the row that was there first.
        const string sql = $"""
            INSERT INTO blocklist AS listed (id, mode, kind, value, merchant_id, reason) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (mode, kind, value, merchant_id) DO UPDATE SET kind = listed.kind
            RETURNING {BlocklistEntry.Columns}
            """;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction)
        {
            Parameters =
            {
                new() { Value = id.Value },
                new() { Value = ModeNames.Of(request.Mode) },
                new() { Value = request.Kind == BlockKind.Bin ? "bin" : "fingerprint" },
                new() { Value = request.Value },
                new() { Value = (object?)request.MerchantId?.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid },
                new() { Value = (object?)request.Reason ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text },
            },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return BlocklistEntry.Read(reader);
    }
}
