using System.Text.RegularExpressions;
using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;

namespace Payments.Api.Operators;

/// <summary>An operator's key as operators see it: never the key itself.</summary>
/// <param name="Person">Whose it is: where two people are needed, two keys of one person are one.</param>
public sealed record OperatorKeyView(OperatorKeyId Id, string Object, string Name, string Person, string Last4, DateTimeOffset CreatedAt, DateTimeOffset? RevokedAt);

/// <summary>What is shown once, when a key is made.</summary>
public sealed record NewOperatorKeyView(OperatorKeyView OperatorKey, string Key);

/// <summary><c>POST</c>, <c>GET /ops/v1/operator_keys</c>, <c>POST /ops/v1/operator_keys/{id}/revoke</c></summary>
internal static partial class OperatorKeys
{
    public const string Prefix = "ok_";

    /// <summary>The installation's own key: the only one that names people.</summary>
    public const string Bootstrap = "bootstrap";

    private const string Columns = "id, name, person, last4, created_at, revoked_at";

    private static readonly Problem NotYours = new(
        StatusCodes.Status403Forbidden, "person_not_yours", "A key makes other keys of its own person; only the installation's own key (Payments:OperatorKey) makes those of others.", "person");

    /// <param name="Person">Absent: whoever makes the request.</param>
    public sealed record CreateRequest(string Name, string? Person = null);

    public sealed record RevokeRequest;

    public static async Task<IResult> CreateAsync(HttpContext context, IdempotentRequests requests, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadAsync<CreateRequest>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (Merchants.MerchantRules.Name(request.Name, "name") is { } invalid)
        {
            return invalid;
        }

        var maker = context.Operator().Person;
        var person = request.Person ?? maker;
        if (!PersonForm().IsMatch(person))
        {
            return Problems.InvalidValue("person", "1 to 100 lower-case letters, digits and . _ @ - are expected, as ada.lovelace.");
        }

        if (person != maker && maker != Bootstrap)
        {
            return NotYours;
        }

        return await requests.RunAsync(context, IdempotencyScope.Of(context.Operator()), async (work, cancellation) =>
        {
            var transaction = await work.BeginAsync(cancellation);
            var (id, key) = (new OperatorKeyId(work.Subject), SecretKeys.New(Prefix));
            await InsertAsync(transaction, id, request.Name, person, key, cancellation);
            await Audit.AppendAsync(transaction, context, "operator_key.create", id.ToString(), new { request.Name, Person = person }, cancellation);
            return IdempotentResponse.Created(new NewOperatorKeyView((await FindAsync(transaction, id, cancellation))!, key));
        }, cancellationToken);
    }

    public static async Task<IResult> ListAsync(HttpContext context, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (after, limit) = (query.CursorId(), query.Limit());
        if (query.Problem is { } problem)
        {
            return problem;
        }

        await using var command = database.CreateCommand($"SELECT {Columns} FROM operator_keys WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2").With(after, limit + 1);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<OperatorKeyView>();
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add(Read(reader));
        }

        return TypedResults.Ok(Page.Of(found, limit, k => Cursor.Of(k.Id.Value)));
    }

    public static async Task<IResult> RevokeAsync(string id, HttpContext context, IdempotentRequests requests, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadOptionalAsync<RevokeRequest>(context, cancellationToken)).Succeeded(out _, out var problem))
        {
            return problem;
        }

        if (!Id.TryParse<OperatorKeyId>(id, out var keyId))
        {
            return Problems.NotFound("operator_key");
        }

        if (keyId == context.Operator().KeyId)
        {
            return new Problem(409, "operator_key_in_use", "This key makes the request; revoke it with another one, so that one always remains.", "id");
        }

        return await requests.RunAsync(context, IdempotencyScope.Of(context.Operator()), async (work, cancellation) =>
        {
            var transaction = await work.BeginAsync(cancellation);
            await using var command = new NpgsqlCommand("UPDATE operator_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1", transaction.Connection, transaction).With(keyId.Value);
            if (await command.ExecuteNonQueryAsync(cancellation) == 0)
            {
                return Problems.NotFound("operator_key");
            }

            await Audit.AppendAsync(transaction, context, "operator_key.revoke", keyId.ToString(), new { }, cancellation);
            return IdempotentResponse.Ok(await FindAsync(transaction, keyId, cancellation));
        }, cancellationToken);
    }

    public static async Task InsertAsync(NpgsqlTransaction transaction, OperatorKeyId id, string name, string person, string key, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("INSERT INTO operator_keys (id, name, person, hash, last4) VALUES ($1, $2, $3, $4, $5)", transaction.Connection, transaction)
            .With(id.Value, name, person, SecretKeys.Hash(key), key[^4..]);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<OperatorKeyView?> FindAsync(NpgsqlTransaction transaction, OperatorKeyId id, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT {Columns} FROM operator_keys WHERE id = $1", transaction.Connection, transaction).With(id.Value);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? Read(reader) : null;
    }

    private static OperatorKeyView Read(NpgsqlDataReader row) => new(
        new OperatorKeyId(row.GetGuid(0)), "operator_key", row.GetString(1), row.GetString(2), row.GetString(3), row.GetFieldValue<DateTimeOffset>(4),
        row.IsDBNull(5) ? null : row.GetFieldValue<DateTimeOffset>(5));

    [GeneratedRegex("^[a-z0-9][a-z0-9._@-]{0,99}$", RegexOptions.NonBacktracking)]
    private static partial Regex PersonForm();
}

/// <summary>Operators by the hash of their key.</summary>
internal sealed class OperatorDirectory(NpgsqlDataSource database) : IOperatorDirectory
{
    public async Task<OperatorIdentity?> FindAsync(string sha256Hex, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT id, name, person FROM operator_keys WHERE hash = $1 AND revoked_at IS NULL").With(sha256Hex);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken) ? new OperatorIdentity(new OperatorKeyId(row.GetGuid(0)), row.GetString(1), row.GetString(2)) : null;
    }
}
