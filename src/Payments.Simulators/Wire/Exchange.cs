using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Payments.Simulators.Books;
using Payments.Simulators.Cards;
using Payments.Simulators.Faults;

namespace Payments.Simulators.Wire;

/// <summary>
/// One request, from the socket to the answer: down? credentials, faults before, idempotency, latency, work, faults after. The
/// work, its effects and the answer kept under the key are one line of the journal.
/// </summary>
public sealed class Exchange(BookStore books, FaultInjector faults, Latency latency, FingerprintKey fingerprints, TimeProvider clock, IOptions<SimulatorsOptions> options)
{
    private const int LargestBody = 4 * 1024 * 1024;
    private readonly ConcurrentDictionary<string, byte> inFlight = new();

    public async Task RunAsync(HttpContext http, Dialect dialect, string operation, Func<Call, Transaction, Answer> work)
    {
        ArgumentNullException.ThrowIfNull(http);
        ArgumentNullException.ThrowIfNull(dialect);
        try
        {
            await AnswerAsync(http, dialect, operation, work);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has gone away; there is nobody to tell. What was executed is in the books.
        }
    }

    private async Task AnswerAsync(HttpContext http, Dialect dialect, string operation, Func<Call, Transaction, Answer> work)
    {
        if (faults.IsDown(dialect.Provider, operation))
        {
            http.Abort();
            return;
        }

        var key = KeyOf(http.Request);
        var reply = new Reply(http, dialect, dialect.NewRequestId(), key, clock);
        if (dialect.Refuse(http.Request) is { } refused)
        {
            await reply.SendAsync(refused);
            return;
        }

        if (await ReadAsync(http) is not { } body)
        {
            await reply.SendAsync(dialect.UnreadableBody("The request body is too large."));
            return;
        }

        if (faults.BeforeExecution(dialect.Provider, operation) is { } before && !await reply.SurvivesAsync(before))
        {
            return;
        }

        var call = new Call(http, body, key, reply.RequestId, options.Value.PublicUrl?.TrimEnd('/') ?? $"{http.Request.Scheme}://{http.Request.Host}");
        if (key is null)
        {
            await latency.WaitAsync(HttpMethods.IsGet(http.Request.Method) ? http.RequestAborted : CancellationToken.None);
            var (answer, after) = Execute(call, dialect, operation, work, keep: null);
            await reply.SendAsync(answer, after);
            return;
        }

        await RunOnceAsync(reply, call, key, operation, work);
    }

    private async Task RunOnceAsync(Reply reply, Call call, string key, string operation, Func<Call, Transaction, Answer> work)
    {
        var dialect = reply.Dialect;
        if (key.Length > dialect.MaximumKeyLength)
        {
            await reply.SendAsync(dialect.KeyTooLong());
            return;
        }

        var id = StoredAnswer.IdOf(dialect.Provider, key);
        var fingerprint = fingerprints.OfRequest(call.Http.Request.Method, call.Http.Request.Path, call.Body);
        if (!inFlight.TryAdd(id, 0))
        {
            await reply.SendAsync(dialect.KeyInUse(key));
            return;
        }

        Answer answer;
        Fault? after = null;
        StoredAnswer? kept;
        try
        {
            kept = books.Read(b => b.Answers.Find(id)) is { } found && books.Now - found.Created < dialect.KeyLifetime ? found : null;
            if (kept is null)
            {
                // A provider works on when the client has gone away.
                await latency.WaitAsync(CancellationToken.None);
                (answer, after) = Execute(call, dialect, operation, work, (id, fingerprint));
            }
            else
            {
                answer = kept.Fingerprint == fingerprint || !dialect.ComparesRequests
                    ? new Answer(kept.Status, books.Recall(kept).Body)
                    : dialect.KeyUsedForAnother(key);
            }
        }
        finally
        {
            inFlight.TryRemove(id, out _);
        }

        await (kept is null ? reply.SendAsync(answer, after) : reply.SendAsync(answer, isReplay: answer.IsKept));
    }

    private (Answer Answer, Fault? After) Execute(Call call, Dialect dialect, string operation, Func<Call, Transaction, Answer> work, (string Id, string Fingerprint)? keep)
    {
        var after = faults.AfterExecution(dialect.Provider, operation);
        var answer = books.Write(transaction =>
        {
            var isSkipped = after is { Kind: FaultKind.ServerError, Executed: false };
            var answer = isSkipped ? dialect.ServerError() : work(call, transaction);
            if (after is { Kind: FaultKind.ServerError } && answer.IsKept)
            {
                answer = dialect.ServerError();
            }

            if (keep is var (id, fingerprint) && answer.IsKept)
            {
                transaction.Put(new StoredAnswer { Id = id, Fingerprint = fingerprint, Status = answer.Status, Text = answer.Body, RequestId = call.RequestId, Created = transaction.Now });
            }

            return answer;
        });
        return (answer, after);
    }

    private static string? KeyOf(HttpRequest request) =>
        request.Method == HttpMethods.Post && request.Headers.TryGetValue("Idempotency-Key", out var given) && given.ToString() is { Length: > 0 } key ? key : null;

    private static async Task<byte[]?> ReadAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        var buffer = new byte[8192];
        int read;
        while ((read = await http.Request.Body.ReadAsync(buffer, http.RequestAborted)) > 0)
        {
            body.Write(buffer, 0, read);
            if (body.Length > LargestBody)
            {
                return null;
            }
        }

        return body.ToArray();
    }
}
