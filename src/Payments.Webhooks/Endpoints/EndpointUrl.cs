using System.Net;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;
using Payments.Webhooks.Egress;

namespace Payments.Webhooks.Endpoints;

/// <summary>
/// Which URLs may be registered. Names are not resolved here: what they lead to is judged at every delivery, because it may change.
/// </summary>
public static class EndpointUrl
{
    public const int Longest = 2048;

    private static readonly string[] PrivateSuffixes = ["localhost", "local", "internal", "intranet", "lan", "home.arpa", "localdomain", "onion"];

    /// <summary>The URL as it will be called, or why it is refused.</summary>
    /// <param name="allowLoopback">The development exception.</param>
    public static Read<Uri> Check(string text, Mode mode, bool allowLoopback)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > Longest)
        {
            return Problems.InvalidValue("url", $"A URL of up to {Longest} characters is expected.");
        }

        if (text.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)) || !Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("https" or "http") || url.IdnHost.Length == 0)
        {
            return Problems.InvalidValue("url", "An absolute https URL is expected.");
        }

        if (url.AbsoluteUri.Length > Longest)
        {
            return Problems.InvalidValue("url", $"A URL of up to {Longest} characters, as it is sent, is expected.");
        }

        if (mode == Mode.Live && url.Scheme != "https" && !(allowLoopback && url.IsLoopback))
        {
            return Problems.InvalidValue("url", "In live mode only https URLs are accepted.");
        }

        if (url.UserInfo.Length > 0)
        {
            return Problems.InvalidValue("url", "A URL with user name or password is not accepted: verify the signature instead.");
        }

        if (url.Fragment.Length > 0)
        {
            return Problems.InvalidValue("url", "A URL with a fragment is not accepted.");
        }

        return url.Port != 0 && IsPublic(url, allowLoopback) ? url : Problems.InvalidValue("url", "A URL with a public host is expected.");
    }

    private static bool IsPublic(Uri url, bool allowLoopback)
    {
        if (IPAddress.TryParse(url.IdnHost.Trim('[', ']'), out var address))
        {
            return BlockedRanges.Refuse(address, allowLoopback) is null;
        }

        var host = url.IdnHost.TrimEnd('.').ToLowerInvariant();
        if (allowLoopback && host == "localhost")
        {
            return true;
        }

        return host.Contains('.', StringComparison.Ordinal) && !PrivateSuffixes.Any(s => host == s || host.EndsWith("." + s, StringComparison.Ordinal));
    }
}
