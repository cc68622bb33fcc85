using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;

namespace Payments.Platform.Idempotency;

/// <summary>
/// Executes a POST once per <c>Idempotency-Key</c>: the key's row is claimed first, the response is stored in the transaction that
/// writes the resource. A holder that crashed is succeeded after its lease.
/// </summary>
public sealed class IdempotentRequests(NpgsqlDataSource database, RequestFingerprint fingerprint, SecretBox box, IdSource ids)
{
    /// <summary>How long an execution may take before another may take over; longer than any call that is made within one.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    /// <summary>How long a response is given again, counted from when it was stored.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromHours(24);

    /// <summary>
    /// Runs <paramref name="work"/>, or gives its stored response again, or refuses: without a key 400, with a key of another request
    /// 422, while another execution runs 409. Validate the body before: a refused request leaves no row.
    /// </summary>
    /// <param name="work">Returns the response, or a <see cref="Problem"/>, which rolls back what it wrote.</param>
    public async Task<IResult> RunAsync(
        HttpContext context,
        IdempotencyScope scope,
        Func<IdempotentWork, CancellationToken, Task<IdempotentResponse>> work,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(work);
        if (!IdempotencyKey.Read(context).Succeeded(out var key, out var refused))
        {
            return refused;
        }

        if (!(await RequestBytes.ReadAsync(context, cancellationToken)).Succeeded(out var body, out refused))
        {
            return refused;
        }

        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var claim = new Claim(scope.Text, key, fingerprint.Of(context.Request.Method, target, body), ids.New<RequestId>().Value);
        if (await ClaimAsync(claim, cancellationToken) is not { } subject)
        {
            return await AnswerFromStoreAsync(claim, cancellationToken);
        }

        return await ExecuteAsync(claim, subject, work, cancellationToken);
    }

    private async Task<IResult> ExecuteAsync(Claim claim, Guid subject, Func<IdempotentWork, CancellationToken, Task<IdempotentResponse>> work, CancellationToken cancellationToken)
    {
        var stored = false;
        try
        {
            await using var execution = new IdempotentWork(database, subject);
            var response = await work(execution, cancellationToken);
            if (response.Refusal is null)
            {
                // From here on the outcome is decided; a caller who hangs up does not undo it.
                var transaction = await execution.BeginAsync(CancellationToken.None);
                if (!await StoreAsync(transaction, claim, response))
                {
                    return Problems.IdempotencyKeyInUse;
                }

                await transaction.CommitAsync(CancellationToken.None);
                stored = true;
            }

            return response.ToResult(replayed: false);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            if (await IsHolderAsync(claim))
            {
                throw;
            }

            // The one who took over wrote the same subject first.
            return Problems.IdempotencyKeyInUse;
        }
        finally
        {
            if (!stored)
            {
                await ReleaseAsync(claim);
            }
        }
    }

    private async Task<Guid?> ClaimAsync(Claim claim, CancellationToken cancellationToken)
    {
        const string sql = """
            INSERT INTO idempotency_keys AS held (scope, key, fingerprint, subject, holder, lease_until)
            VALUES ($1, $2, $3, $4, $4, now() + $5)
            ON CONFLICT (scope, key) DO UPDATE SET
                fingerprint = EXCLUDED.fingerprint,
                subject = CASE WHEN held.status IS NULL THEN held.subject ELSE EXCLUDED.subject END,
                holder = EXCLUDED.holder,
                lease_until = EXCLUDED.lease_until,
                created_at = now(),
                status = NULL, content_type = NULL, body = NULL, completed_at = NULL
            WHERE (held.status IS NULL AND held.lease_until < now() AND held.fingerprint = EXCLUDED.fingerprint)
               OR held.completed_at < now() - $6
            RETURNING subject
            """;
        await using var command = database.CreateCommand(sql).With(claim.Scope, claim.Key, claim.Fingerprint, claim.Holder, Lease, Retention);
        return (Guid?)await command.ExecuteScalarAsync(cancellationToken);
    }

    private async Task<IResult> AnswerFromStoreAsync(Claim claim, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT fingerprint, status, content_type, body FROM idempotency_keys WHERE scope = $1 AND key = $2")
            .With(claim.Scope, claim.Key);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            // Released a moment ago: the caller's next attempt will execute.
            return Problems.IdempotencyKeyInUse;
        }

        if (!CryptographicOperations.FixedTimeEquals(reader.GetFieldValue<byte[]>(0), claim.Fingerprint))
        {
            return Problems.IdempotencyKeyReused;
        }

        return await reader.IsDBNullAsync(1, cancellationToken)
            ? Problems.IdempotencyKeyInUse
            : IdempotentResponse.Stored(reader.GetInt32(1), reader.GetString(2), Convert.FromBase64String(box.Open(reader.GetString(3), PurposeOf(claim)))).ToResult(replayed: true);
    }

    /// <summary>False where the lease ran out and another execution has taken over.</summary>
    private async Task<bool> StoreAsync(NpgsqlTransaction transaction, Claim claim, IdempotentResponse response)
    {
        const string sql = """
            UPDATE idempotency_keys SET status = $4, content_type = $5, body = $6, completed_at = now()
            WHERE scope = $1 AND key = $2 AND holder = $3 AND status IS NULL
            """;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction).With(
            claim.Scope, claim.Key, claim.Holder, response.Status, response.ContentType, box.Seal(Convert.ToBase64String(response.Body), PurposeOf(claim)));
        return await command.ExecuteNonQueryAsync(CancellationToken.None) == 1;
    }

    private async Task<bool> IsHolderAsync(Claim claim)
    {
        await using var command = database.CreateCommand("SELECT EXISTS (SELECT FROM idempotency_keys WHERE scope = $1 AND key = $2 AND holder = $3 AND status IS NULL)")
            .With(claim.Scope, claim.Key, claim.Holder);
        return (bool)(await command.ExecuteScalarAsync(CancellationToken.None))!;
    }

    private async Task ReleaseAsync(Claim claim)
    {
        await using var command = database.CreateCommand("DELETE FROM idempotency_keys WHERE scope = $1 AND key = $2 AND holder = $3 AND status IS NULL")
            .With(claim.Scope, claim.Key, claim.Holder);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    private static string PurposeOf(Claim claim) => $"idempotent-response/{claim.Scope}/{claim.Key}";

    /// <param name="Holder">This execution; also the subject, unless a crashed execution's is taken over.</param>
    private sealed record Claim(string Scope, string Key, byte[] Fingerprint, Guid Holder);
}
