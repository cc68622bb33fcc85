using Npgsql;
using Payments.Api.Recovery;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Api.Operators;

/// <summary><c>POST /ops/v1/event_log/reinstate</c>: puts back what a restored database has lost, and opens the log in a new epoch.</summary>
internal static class ReinstateEventLog
{
    private const int LongestReason = 200;

    public sealed record Request(string Reason);

    public sealed record View(string Object, Guid Epoch, Guid FormerEpoch, int Events, int Payments);

    public static async Task<IResult> HandleAsync(
        HttpContext context, EventLogRestore restore, Recoveries recoveries, NpgsqlDataSource database, IdSource ids, CancellationToken cancellationToken)
    {
        if (IdempotencyKey.Read(context).Problem is { } missing)
        {
            return missing;
        }

        if (!(await RequestBody.ReadAsync<Request>(context, cancellationToken)).Succeeded(out var request, out var problem))
        {
            return problem;
        }

        if (request.Reason.Length is 0 or > LongestReason)
        {
            return Problems.InvalidValue("reason", $"A text of 1 to {LongestReason} characters is expected.");
        }

        var actor = context.Operator().KeyId.ToString();
        if (!(await restore.RunAsync(actor, request.Reason, cancellationToken)).Succeeded(out var reinstated, out problem))
        {
            return problem;
        }

        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var epoch = await EventLogRestore.OpenAsync(transaction, request.Reason, cancellationToken);
        var recovered = Recovered.Of(
            ids.New<RecoveryId>(), RecoveryKinds.EventLogReinstated, epoch.ToString(), actor, request.Reason, new { Epoch = reinstated.Former },
            new { Epoch = epoch, reinstated.Heads, reinstated.Events, reinstated.Payments });
        await Recoveries.RecordAsync(transaction, recovered, cancellationToken);
        await Audit.AppendAsync(transaction, context, "event_log.reinstate", epoch.ToString(), new { request.Reason, reinstated.Events, reinstated.Payments }, cancellationToken);
        await transaction.CommitAsync(CancellationToken.None);
        recoveries.Tell(recovered);
        return TypedResults.Ok(new View("event_log", epoch, reinstated.Former, reinstated.Events, reinstated.Payments));
    }
}
