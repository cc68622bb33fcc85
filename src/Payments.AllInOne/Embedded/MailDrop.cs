using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Payments.AllInOne.Embedded;

/// <summary>
/// A mail server for machines without one: takes every mail by SMTP (RFC 5321, the minimum of section 4.5.1) on 127.0.0.1 and
/// leaves it as a file <c>*.eml</c> in a directory.
/// </summary>
public sealed class MailDrop : IAsyncDisposable
{
    private const int LongestMail = 10 * 1024 * 1024;
    private readonly TcpListener listener;
    private readonly string directory;
    private readonly CancellationTokenSource stopping = new();
    private readonly Task accepting;
    private int count;

    private MailDrop(string directory, int port)
    {
        this.directory = directory;
        Directory.CreateDirectory(directory);
        count = Directory.GetFiles(directory, "*.eml").Length;
        listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <param name="directory">Made where it does not exist; mails of earlier runs stay.</param>
    /// <param name="port">0 chooses a free one.</param>
    public static MailDrop Start(string directory, int port = 0) => new(directory, port);

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await accepting; // before its listener goes: one that is closed cannot be asked for a client
        listener.Dispose();
        stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                _ = ServeAsync(await listener.AcceptTcpClientAsync(stopping.Token));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                // We stop, as the loop's condition tells, or a connection ended before it was accepted.
            }
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                await using var stream = client.GetStream();
                // Latin-1 passes every byte through unchanged, whatever the mail's own encoding.
                using var reader = new StreamReader(stream, Encoding.Latin1);
                await using var writer = new StreamWriter(stream, Encoding.Latin1) { NewLine = "\r\n", AutoFlush = true };
                await TalkAsync(reader, writer);
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The sender went away, or we stop: what was not acknowledged the sender keeps.
            }
        }
    }

    private async Task TalkAsync(StreamReader reader, StreamWriter writer)
    {
        var recipients = 0;
        await writer.WriteLineAsync("220 localhost ready");
        while (await reader.ReadLineAsync(stopping.Token) is { } line)
        {
            var verb = line.Split(' ', 2)[0].ToUpperInvariant();
            switch (verb)
            {
                case "EHLO" or "HELO":
                    await writer.WriteLineAsync("250 localhost");
                    break;
                case "RCPT":
                    recipients++;
                    await writer.WriteLineAsync("250 accepted");
                    break;
                case "DATA" when recipients == 0:
                    await writer.WriteLineAsync("503 no recipient");
                    break;
                case "DATA":
                    await writer.WriteLineAsync("354 go ahead");
                    var mail = await ReadMailAsync(reader);
                    if (mail is not null)
                    {
                        await KeepAsync(mail);
                    }

                    await writer.WriteLineAsync(mail is null ? "552 too long" : "250 kept");
                    recipients = 0;
                    break;
                case "MAIL" or "RSET":
                    recipients = 0;
                    await writer.WriteLineAsync("250 ok");
                    break;
                case "NOOP" or "VRFY":
                    await writer.WriteLineAsync("250 ok");
                    break;
                case "QUIT":
                    await writer.WriteLineAsync("221 bye");
                    return;
                default:
                    await writer.WriteLineAsync("502 not implemented");
                    break;
            }
        }
    }

    /// <summary>The mail up to the line with a single dot; null where it is too long.</summary>
    private async Task<string?> ReadMailAsync(StreamReader reader)
    {
        var mail = new StringBuilder();
        while (await reader.ReadLineAsync(stopping.Token) is { } line)
        {
            if (line == ".")
            {
                return mail.Length > LongestMail ? null : mail.ToString();
            }

            if (mail.Length <= LongestMail)
            {
                mail.Append(line.StartsWith('.') ? line[1..] : line).Append("\r\n");
            }
        }

        throw new IOException("The sender went away within a mail.");
    }

    private async Task KeepAsync(string mail)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{Interlocked.Increment(ref count):000000}.eml");
        var making = Path.Combine(directory, name + ".new");
        await File.WriteAllTextAsync(making, mail, Encoding.Latin1, stopping.Token);
        File.Move(making, Path.Combine(directory, name));
    }
}
