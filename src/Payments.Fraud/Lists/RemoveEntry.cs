using Npgsql;
using Payments.Core;
using Payments.Fraud.Rules;
using Payments.Platform.Http;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;

namespace Payments.Fraud.Lists;

/// <summary><c>DELETE risk/lists/{id}</c>.</summary>
internal static class RemoveEntry
{
    public static async Task<IResult> HandleAsync(
        RiskScope scope, string id, HttpContext context, NpgsqlDataSource database, SecretBox box, RuleBooks books, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<RiskListEntryId>(id, out var entry))
        {
            return Problems.NotFound("risk_list_entry");
        }

        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var command = new NpgsqlCommand($"DELETE FROM list_entries WHERE {scope.Visible} AND id = $3 RETURNING {ListEntry.Columns}", connection, transaction);
        command.Parameters.AddRange(RiskScope.Values(scope.Mode, scope.Merchant));
        command.With(entry.Value);
        ListEntry removed;
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            if (!await reader.ReadAsync(cancellationToken))
            {
                return Problems.NotFound("risk_list_entry");
            }

            removed = ListEntry.Read(reader, box);
        }

        await RiskAudit.AppendAsync(transaction, context, removed.Mode, removed.MerchantId?.Value, "list.remove", entry.Value, removed.Audited(), null, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        await books.RefreshAsync(cancellationToken);
        return Results.NoContent();
    }
}
