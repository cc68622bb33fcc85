using System.Net;
using System.Net.Http.Headers;

namespace Payments.Reconciliation.Fetching;

/// <summary>A report that could not be fetched; the reason is written down, and so has no address, header or body in it.</summary>
public sealed class FetchFailedException : Exception
{
    public FetchFailedException(string reason)
        : base(reason)
    {
    }

    public FetchFailedException(string reason, Exception inner)
        : base(reason, inner)
    {
    }
}

/// <summary>
/// Brings a file here in pieces: what has come stays, with the tag of the version that it is of, and the next try goes on behind it. Never
/// more than it may be, never from another host than was asked.
/// </summary>
public sealed class Download(HttpClient http, long mostBytes)
{
    public const string PartSuffix = ".part";
    private const string TagSuffix = ".tag";
    private const int Block = 1 << 16;

    /// <returns>The finished file at <paramref name="path"/>.</returns>
    public async Task FetchAsync(Uri address, AuthenticationHeaderValue credentials, string path, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(path);
        var (part, tag) = (path + PartSuffix, path + TagSuffix);
        var have = File.Exists(part) && File.Exists(tag) ? new FileInfo(part).Length : 0;
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Authorization = credentials;
        if (have > 0)
        {
            request.Headers.Range = new RangeHeaderValue(have, null);
            request.Headers.IfRange = new RangeConditionHeaderValue(EntityTagHeaderValue.Parse(await File.ReadAllTextAsync(tag, cancellationToken)));
        }

        try
        {
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (answer.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                // Nothing is behind what we have: it is looked at from the beginning with the next try.
                Forget(path);
                throw new FetchFailedException("the range is not there");
            }

            if (answer.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.PartialContent))
            {
                throw new FetchFailedException($"http {(int)answer.StatusCode}");
            }

            var goesOn = answer.StatusCode == HttpStatusCode.PartialContent && have > 0 && answer.Content.Headers.ContentRange?.From == have;
            if (answer.StatusCode == HttpStatusCode.PartialContent && !goesOn)
            {
                Forget(path);
                throw new FetchFailedException("another range than was asked for");
            }

            await KeepTagAsync(answer, tag, goesOn, cancellationToken);
            await CopyAsync(answer, part, goesOn ? have : 0, cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new FetchFailedException(e is HttpRequestException { HttpRequestError: not HttpRequestError.Unknown } h ? $"no answer: {h.HttpRequestError}" : "the answer broke off", e);
        }

        File.Move(part, path, overwrite: true);
        File.Delete(tag);
    }

    public static void Forget(string path)
    {
        foreach (var file in new[] { path, path + PartSuffix, path + TagSuffix })
        {
            File.Delete(file);
        }
    }

    // Only a version that is known by a strong tag is gone on with.
    private static async Task KeepTagAsync(HttpResponseMessage answer, string path, bool goesOn, CancellationToken cancellationToken)
    {
        if (goesOn)
        {
            return;
        }

        if (answer.Headers.ETag is { IsWeak: false } tag)
        {
            await File.WriteAllTextAsync(path, tag.ToString(), cancellationToken);
        }
        else
        {
            File.Delete(path);
        }
    }

    private async Task CopyAsync(HttpResponseMessage answer, string part, long have, CancellationToken cancellationToken)
    {
        var expected = answer.Content.Headers.ContentLength is { } rest ? have + rest : (long?)null;
        if (expected > mostBytes)
        {
            throw new FetchFailedException($"larger than {mostBytes} bytes");
        }

        await using var from = await answer.Content.ReadAsStreamAsync(cancellationToken);

        // Written as it comes: what is here when the answer breaks off need not come again.
        await using var to = new FileStream(part, have > 0 ? FileMode.Append : FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        var (buffer, length) = (new byte[Block], have);
        int read;
        while ((read = await from.ReadAsync(buffer, cancellationToken)) > 0)
        {
            length += read;
            if (length > mostBytes)
            {
                throw new FetchFailedException($"larger than {mostBytes} bytes");
            }

            await to.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }

        if (expected is { } whole && whole != length)
        {
            throw new FetchFailedException("the answer broke off");
        }
    }
}
