using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Npgsql;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Postgres;
using Xunit;

namespace Payments.IntegrationTests.Http;

public sealed class IdempotencyTests(EmbeddedServers servers)
{
    private sealed record Thing(Guid Id, string Secret);

    private sealed record NewThing(string Name);

    [Fact]
    public async Task The_same_request_is_executed_once_and_answered_word_for_word()
    {
        await using var host = await StartAsync();
        var first = await host.PostAsync("/things", """{"name":"a"}""", "k1", Token);
        var again = await host.PostAsync("/things", """ {"name": "a"} """, "\"k1\"", Token);

        Assert.Equal(HttpStatusCode.Created, first.StatusCode);
        Assert.False(first.Headers.Contains("Idempotency-Replayed"));
        Assert.Equal(HttpStatusCode.Created, again.StatusCode);
        Assert.Equal("true", again.Headers.GetValues("Idempotency-Replayed").Single());
        Assert.Equal(await first.Content.ReadAsStringAsync(Token), await again.Content.ReadAsStringAsync(Token));
        Assert.Equal(first.Content.Headers.ContentType, again.Content.Headers.ContentType);
        Assert.Equal(1L, await host.QueryAsync<long>("SELECT count(*) FROM things", Token));
    }

    [Fact]
    public async Task Another_request_with_the_key_is_refused()
    {
        await using var host = await StartAsync();
        await host.PostAsync("/things", """{"name":"a"}""", "k1", Token);
        await Refused(await host.PostAsync("/things", """{"name":"b"}""", "k1", Token), 422, "idempotency_key_reused");
        await Refused(await host.PostAsync("/things?x=1", """{"name":"a"}""", "k1", Token), 422, "idempotency_key_reused");
        Assert.Equal(1L, await host.QueryAsync<long>("SELECT count(*) FROM things", Token));
    }

    [Fact]
    public async Task A_key_is_needed()
    {
        await using var host = await StartAsync();
        await Refused(await host.PostAsync("/things", """{"name":"a"}""", null, Token), 400, "idempotency_key_missing");
        await Refused(await host.PostAsync("/things", """{"name":"a"}""", new string('k', 256), Token), 400, "idempotency_key_invalid");
        Assert.Equal(0L, await host.QueryAsync<long>("SELECT count(*) FROM idempotency_keys", Token));
    }

    [Fact]
    public async Task While_one_runs_another_is_told_to_wait()
    {
        var (entered, go) = (Channel.CreateUnbounded<bool>(), Channel.CreateUnbounded<bool>());
        await using var host = await StartAsync(async () =>
        {
            entered.Writer.TryWrite(true);
            await go.Reader.ReadAsync(Token);
        });
        var running = host.PostAsync("/things", """{"name":"a"}""", "k1", Token);
        await entered.Reader.ReadAsync(Token);
        var second = await host.PostAsync("/things", """{"name":"a"}""", "k1", Token);
        await Refused(second, 409, "idempotency_key_in_use");
        Assert.Equal("1", second.Headers.GetValues("Retry-After").Single());
        go.Writer.TryWrite(true);
        Assert.Equal(HttpStatusCode.Created, (await running).StatusCode);
    }

    [Fact]
    public async Task Of_many_at_once_one_executes()
    {
        await using var host = await StartAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => host.PostAsync("/things", """{"name":"a"}""", "k1", Token)));
        Assert.All(answers, a => Assert.True(a.StatusCode is HttpStatusCode.Created or HttpStatusCode.Conflict, a.StatusCode.ToString()));
        Assert.Single(answers, a => a.StatusCode == HttpStatusCode.Created && !a.Headers.Contains("Idempotency-Replayed"));
        Assert.Equal(1L, await host.QueryAsync<long>("SELECT count(*) FROM things", Token));
    }

    [Fact]
    public async Task A_refusal_rolls_back_and_leaves_the_key_free()
    {
        await using var host = await StartAsync();
        await Refused(await host.PostAsync("/things", """{"name":"refuse"}""", "k1", Token), 409, "thing_refused");
        Assert.Equal(0L, await host.QueryAsync<long>("SELECT (SELECT count(*) FROM things) + (SELECT count(*) FROM idempotency_keys)", Token));
        Assert.Equal(HttpStatusCode.Created, (await host.PostAsync("/things", """{"name":"a"}""", "k1", Token)).StatusCode);
    }

    [Fact]
    public async Task An_exception_rolls_back_and_leaves_the_key_free()
    {
        await using var host = await StartAsync();
        await Refused(await host.PostAsync("/things", """{"name":"throw"}""", "k1", Token), 500, "internal_error");
        Assert.Equal(0L, await host.QueryAsync<long>("SELECT (SELECT count(*) FROM things) + (SELECT count(*) FROM idempotency_keys)", Token));
    }

    [Fact]
    public async Task After_its_lease_a_holder_is_succeeded_under_the_same_subject_and_can_store_nothing_any_more()
    {
        var (entered, go) = (Channel.CreateUnbounded<bool>(), Channel.CreateUnbounded<bool>());
        var runs = 0;
        await using var host = await StartAsync(async () =>
        {
            if (Interlocked.Increment(ref runs) == 1)
            {
                entered.Writer.TryWrite(true);
                await go.Reader.ReadAsync(Token);
            }
        });
        var slow = host.PostAsync("/things", """{"name":"a"}""", "k1", Token);
        await entered.Reader.ReadAsync(Token);
        var subject = await host.QueryAsync<Guid>("SELECT subject FROM idempotency_keys", Token);
        await host.ExecuteAsync("UPDATE idempotency_keys SET lease_until = now() - interval '1 second'", Token);

        await Refused(await host.PostAsync("/things", """{"name":"b"}""", "k1", Token), 422, "idempotency_key_reused");
        var successor = await host.PostAsync("/things", """{"name":"a"}""", "k1", Token);
        Assert.Equal(HttpStatusCode.Created, successor.StatusCode);
        go.Writer.TryWrite(true);
        await Refused(await slow, 409, "idempotency_key_in_use");
        Assert.Equal(subject, await host.QueryAsync<Guid>("SELECT id FROM things", Token));
        Assert.Equal("true", (await host.PostAsync("/things", """{"name":"a"}""", "k1", Token)).Headers.GetValues("Idempotency-Replayed").Single());
    }

    [Fact]
    public async Task A_day_after_the_response_the_key_is_free_again()
    {
        await using var host = await StartAsync();
        await host.PostAsync("/things", """{"name":"a"}""", "k1", Token);
        await host.ExecuteAsync("UPDATE idempotency_keys SET completed_at = now() - interval '24 hours 1 second'", Token);
        var answer = await host.PostAsync("/things", """{"name":"b"}""", "k1", Token);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.False(answer.Headers.Contains("Idempotency-Replayed"));
        Assert.Equal(2L, await host.QueryAsync<long>("SELECT count(*) FROM things", Token));
    }

    [Fact]
    public async Task A_stored_response_shows_no_secret()
    {
        await using var host = await StartAsync();
        Assert.Contains("s3cret", await (await host.PostAsync("/things", """{"name":"a"}""", "k1", Token)).Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        var stored = await host.QueryAsync<string>("SELECT body FROM idempotency_keys", Token);
        Assert.StartsWith("v1.", stored, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(stored.Split('.')[2])), StringComparison.Ordinal);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task Refused(HttpResponseMessage answer, int status, string code)
    {
        var body = await answer.Content.ReadAsStringAsync(Token);
        Assert.Equal(("application/problem+json", status), (answer.Content.Headers.ContentType?.MediaType, (int)answer.StatusCode));
        Assert.Contains($"\"code\":\"{code}\"", body, StringComparison.Ordinal);
    }

    private async Task<PlatformHost> StartAsync(Func<Task>? before = null)
    {
        var host = await PlatformHost.StartAsync(servers, app => app.MapPost("/things", (HttpContext context, IdempotentRequests requests, CancellationToken cancellationToken) =>
            CreateAsync(context, requests, before, cancellationToken)), Token);
        await host.ExecuteAsync("CREATE TABLE things (id uuid PRIMARY KEY, name text NOT NULL)", Token);
        return host;
    }

    private static async Task<IResult> CreateAsync(HttpContext context, IdempotentRequests requests, Func<Task>? before, CancellationToken cancellationToken)
    {
        var body = await RequestBody.ReadAsync<NewThing>(context, cancellationToken);
        if (!body.Succeeded(out var thing, out var problem))
        {
            return problem;
        }

        return await requests.RunAsync(context, new IdempotencyScope("tests"), async (work, cancellation) =>
        {
            if (before is not null)
            {
                await before();
            }

            var transaction = await work.BeginAsync(cancellation);
            await using var insert = new NpgsqlCommand("INSERT INTO things (id, name) VALUES ($1, $2)", transaction.Connection, transaction).With(work.Subject, thing.Name);
            await insert.ExecuteNonQueryAsync(cancellation);
            return thing.Name switch
            {
                "refuse" => new Problem(409, "thing_refused", "No."),
                "throw" => throw new InvalidOperationException("planned"),
                _ => IdempotentResponse.Created(new Thing(work.Subject, "s3cret")),
            };
        }, cancellationToken);
    }
}
