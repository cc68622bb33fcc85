using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Payments.Platform.Http;
using Xunit;

namespace Payments.IntegrationTests.Http;

public sealed class FrontDoorTests(EmbeddedServers servers)
{
    private sealed record Body(long Amount);

    [Fact]
    public async Task Every_answer_carries_a_request_id_and_security_headers()
    {
        await using var host = await StartAsync();
        var answer = await host.Client.GetAsync(new Uri("/fine", UriKind.Relative), Token);
        Assert.StartsWith("req_", answer.Headers.GetValues("Request-Id").Single(), StringComparison.Ordinal);
        Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("no-store", answer.Headers.GetValues("Cache-Control").Single());
    }

    [Theory]
    [InlineData("GET", "/nowhere", 404, "route_not_found")]
    [InlineData("DELETE", "/fine", 405, "method_not_allowed")]
    [InlineData("GET", "/throws", 500, "internal_error")]
    [InlineData("GET", "/bare/403", 403, "forbidden")]
    [InlineData("GET", "/bare/418", 418, "bad_request")]
    [InlineData("GET", "/v1/unguarded", 500, "internal_error")]
    public async Task Errors_have_problem_bodies(string method, string path, int status, string code)
    {
        await using var host = await StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(path, UriKind.Relative));
        var answer = await host.Client.SendAsync(request, Token);
        var problem = await ProblemOf(answer, status, code);
        Assert.Equal(answer.Headers.GetValues("Request-Id").Single(), problem.GetProperty("request_id").GetString());
        Assert.Equal("/docs/errors/" + code, problem.GetProperty("type").GetString());
        Assert.DoesNotContain("planned", problem.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await host.Client.GetAsync(new Uri(problem.GetProperty("type").GetString()!, UriKind.Relative), Token)).StatusCode);
    }

    [Theory]
    [InlineData("application/json", true)]
    [InlineData("application/json; charset=utf-8", true)]
    [InlineData("application/json; charset=\"UTF-8\"", true)]
    [InlineData("application/json; charset=latin1", false)]
    [InlineData("text/plain", false)]
    [InlineData("application/x-www-form-urlencoded", false)]
    [InlineData(null, false)]
    public async Task Only_JSON_in_UTF_8_is_read(string? contentType, bool accepted)
    {
        await using var host = await StartAsync();
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes("""{"amount": 3}"""));
        if (contentType is not null)
        {
            content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        var answer = await host.Client.PostAsync(new Uri("/body", UriKind.Relative), content, Token);
        if (accepted)
        {
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
        else
        {
            await ProblemOf(answer, 415, "unsupported_content_type");
        }
    }

    [Fact]
    public async Task A_compressed_body_is_refused()
    {
        await using var host = await StartAsync();
        using var content = new StringContent("""{"amount": 3}""", Encoding.UTF8, "application/json");
        content.Headers.Add("Content-Encoding", "gzip");
        await ProblemOf(await host.Client.PostAsync(new Uri("/body", UriKind.Relative), content, Token), 415, "unsupported_content_type");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_may_have_64_KiB_and_no_more(bool chunked)
    {
        await using var host = await StartAsync();
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(host, 65_536, chunked)).StatusCode);
        await ProblemOf(await PostAsync(host, 65_537, chunked), 413, "body_too_large");
        await ProblemOf(await PostAsync(host, 1_000_000, chunked), 413, "body_too_large");
    }

    [Fact]
    public async Task A_request_that_is_no_HTTP_is_answered_and_the_next_one_served()
    {
        await using var host = await StartAsync();
        using var socket = new TcpClient();
        await socket.ConnectAsync(host.Client.BaseAddress!.Host, host.Client.BaseAddress.Port, Token);
        await socket.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"u8.ToArray(), Token);
        using var reader = new StreamReader(socket.GetStream());
        Assert.Contains("400", await reader.ReadLineAsync(Token), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await host.Client.GetAsync(new Uri("/fine", UriKind.Relative), Token)).StatusCode);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task<HttpResponseMessage> PostAsync(PlatformHost host, int bytes, bool chunked)
    {
        var text = """{"amount": 3}""".PadRight(bytes);
        using HttpContent content = chunked ? new StreamContent(new MemoryStream(Encoding.UTF8.GetBytes(text))) : new StringContent(text);
        content.Headers.ContentType = new("application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/body", UriKind.Relative)) { Content = content };
        request.Headers.TransferEncodingChunked = chunked ? true : null;
        return await host.Client.SendAsync(request, Token);
    }

    private static async Task<JsonElement> ProblemOf(HttpResponseMessage answer, int status, string code)
    {
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(Token)).RootElement;
        Assert.Equal((status, status, code), ((int)answer.StatusCode, problem.GetProperty("status").GetInt32(), problem.GetProperty("code").GetString()));
        return problem;
    }

    private Task<PlatformHost> StartAsync() => PlatformHost.StartAsync(servers, app =>
    {
        app.MapGet("/fine", () => TypedResults.Ok());
        app.MapGet("/throws", string () => throw new InvalidOperationException("planned"));
        app.MapGet("/bare/{status:int}", (int status) => TypedResults.StatusCode(status));
        app.MapGet("/v1/unguarded", () => TypedResults.Ok());
        app.MapPost("/body", async (HttpContext context, CancellationToken cancellationToken) =>
            (await RequestBody.ReadAsync<Body>(context, cancellationToken)).Succeeded(out var body, out var problem) ? TypedResults.Ok(body.Amount) : (IResult)problem);
    }, Token);
}
