using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Payments.Platform.Http;

namespace Payments.Platform.Outbox;

/// <summary>The log over HTTP, for the consumers in other services.</summary>
public static class OutboxEndpoints
{
    private const int DefaultPage = 500;
    private const int LargestPage = 1_000;
    private const int LongestConsumerName = 100;

    public static void MapOutbox(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var outbox = app.MapGroup("/internal/v1/outbox").RequireInternalKey().ExcludeFromDescription();
        outbox.AddEndpointFilter(async (context, next) =>
        {
            try
            {
                return await next(context);
            }
            catch (OutboxUnavailableException)
            {
                return Problems.ServiceUnavailable("The outbox");
            }
        });
        outbox.MapGet("/heads", HeadsAsync);
        outbox.MapGet("/{partition}", ReadAsync);
        outbox.MapPut("/consumers/{consumer}", ReportAsync);
    }

    private static async Task<Ok<OutboxHeads>> HeadsAsync(IOutboxSource source, CancellationToken cancellationToken) =>
        TypedResults.Ok(await source.HeadsAsync(cancellationToken));

    private static async Task<Results<Ok<OutboxPage>, Problem>> ReadAsync(
        string partition, HttpContext context, IOutboxSource source, CancellationToken cancellationToken)
    {
        if (!int.TryParse(partition, out var number) || number is < 0 or >= LogicalPartition.Count)
        {
            return Problems.NotFound("partition", "partition");
        }

        var query = new RequestQuery(context);
        var after = query.Number("after", 0, long.MaxValue) ?? 0;
        var limit = (int)(query.Number("limit", 1, LargestPage) ?? DefaultPage);
        return query.Problem is { } problem ? problem : TypedResults.Ok(await source.ReadAsync(number, after, limit, cancellationToken));
    }

    private static async Task<Results<NoContent, Problem>> ReportAsync(
        string consumer, HttpContext context, IOutboxSource source, CancellationToken cancellationToken)
    {
        var read = await RequestBody.ReadAsync<ConsumerProgress>(context, cancellationToken);
        if (read.Problem is { } problem)
        {
            return problem;
        }

        if (read.Value!.Sequences.Count != LogicalPartition.Count || read.Value.Sequences.Any(s => s < 0))
        {
            return Problems.InvalidValue("sequences", $"{LogicalPartition.Count} numbers of at least 0 are expected.");
        }

        if (consumer.Length > LongestConsumerName)
        {
            return Problems.NotFound("consumer", "consumer");
        }

        await source.ReportAsync(consumer, read.Value, cancellationToken);
        return TypedResults.NoContent();
    }
}
