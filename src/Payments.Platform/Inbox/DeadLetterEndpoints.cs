using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Outbox;

namespace Payments.Platform.Inbox;

/// <summary>What operators see and do of the consumers of this service.</summary>
public static class DeadLetterEndpoints
{
    private const int MostCopies = 500;

    public static void MapDeadLetters(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var operations = app.MapGroup("/internal/v1/ops").RequireInternalKey().ExcludeFromDescription();
        operations.MapGet("/dead_letters", ListAsync);
        operations.MapPost("/dead_letters/{id}/replay", ReplayAsync);
        operations.MapGet("/consumers", ConsumersAsync);
        operations.MapPost("/consumers/{consumer}/resume", ResumeAsync);
        operations.MapGet("/consumers/{consumer}/position", PositionAsync);
        operations.MapGet("/consumers/{consumer}/copies/{partition}", CopiesAsync);
    }

    private static async Task<Results<Ok<Page<DeadLetter>>, Problem>> ListAsync(HttpContext context, DeadLetters letters, CancellationToken cancellationToken)
    {
        var query = new RequestQuery(context);
        var (limit, cursor) = (query.Limit(), query.CursorId());
        return query.Problem is { } problem
            ? problem
            : TypedResults.Ok(Page.Of(await letters.ListAsync(cursor is { } last ? new DeadLetterId(last) : null, limit + 1, cancellationToken), limit, l => Cursor.Of(l.Id.Value)));
    }

    private static async Task<Results<Ok<ReplayResult>, Problem>> ReplayAsync(string id, DeadLetters letters, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<DeadLetterId>(id, out var letter) || await letters.ReplayAsync(letter, cancellationToken) is not { Found: true } replay)
        {
            return Problems.NotFound("dead_letter");
        }

        return replay.Error is null
            ? TypedResults.Ok(new ReplayResult(replay.Applied))
            : new Problem(StatusCodes.Status409Conflict, "replay_failed", $"{replay.Applied} events were applied, then: {replay.Error}", "id");
    }

    private static async Task<Results<Ok<Page<ConsumerView>>, Problem>> ConsumersAsync(HttpContext context, ConsumerOperations consumers, CancellationToken cancellationToken) =>
        new RequestQuery(context).Problem is { } problem
            ? problem
            : TypedResults.Ok(Page.Whole(await consumers.ListAsync(cancellationToken)));

    /// <summary>How far the consumer has come: what a restored publisher has to have again.</summary>
    private static async Task<Results<Ok<ConsumerProgress>, Problem>> PositionAsync(
        string consumer, HttpContext context, NpgsqlDataSource database, IEnumerable<ConsumerParts> consumers, CancellationToken cancellationToken)
    {
        if (new RequestQuery(context).Problem is { } problem)
        {
            return problem;
        }

        return Find(consumers, consumer) is { } registration
            && await new Checkpoints(database, registration.Name, registration.Publisher).LoadAsync(cancellationToken) is { } position
                ? TypedResults.Ok(new ConsumerProgress(position.Epoch, position.Sequences))
                : Problems.NotFound("consumer", "consumer");
    }

    /// <summary>The consumer's copies of a partition's events, in order.</summary>
    private static async Task<Results<Ok<IReadOnlyList<OutboxRow>>, Problem>> CopiesAsync(
        string consumer, string partition, HttpContext context, EventCopies copies, IEnumerable<ConsumerParts> consumers, CancellationToken cancellationToken)
    {
        if (Find(consumers, consumer) is not { } registration)
        {
            return Problems.NotFound("consumer", "consumer");
        }

        if (!int.TryParse(partition, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number >= LogicalPartition.Count)
        {
            return Problems.NotFound("partition", "partition");
        }

        var query = new RequestQuery(context);
        var (after, limit) = (query.Number("after", 0, long.MaxValue) ?? 0, (int)(query.Number("limit", 1, MostCopies) ?? MostCopies));
        return query.Problem is { } problem
            ? problem
            : TypedResults.Ok(await copies.ReadAsync(registration.Name, registration.Publisher, number, after, limit, cancellationToken));
    }

    private static ConsumerRegistration? Find(IEnumerable<ConsumerParts> consumers, string name) => consumers.FirstOrDefault(c => c.Registration.Name == name)?.Registration;

    private static async Task<Results<NoContent, Problem>> ResumeAsync(string consumer, ConsumerOperations consumers, CancellationToken cancellationToken) =>
        await consumers.ResumeAsync(consumer, cancellationToken) ? TypedResults.NoContent() : Problems.NotFound("consumer", "consumer");
}

/// <param name="Applied">How many events of the payment took effect now.</param>
public sealed record ReplayResult(int Applied);
