using System.Net.Mail;
using System.Net.Sockets;
using System.Text;
using Payments.AllInOne.Embedded;
using Xunit;

namespace Payments.IntegrationTests.Embedded;

public sealed class MailDropTests(EmbeddedServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_mail_sent_becomes_a_file()
    {
        var directory = servers.CreateDirectory();
        await using var drop = MailDrop.Start(directory);
        using var client = new SmtpClient("127.0.0.1", drop.Port);
        using var mail = new MailMessage("shop@example.com", "customer@example.com", "Receipt", "Thank you");

        await client.SendMailAsync(mail, Cancel);
        await client.SendMailAsync(mail, Cancel);

        var files = Directory.GetFiles(directory, "*.eml");
        Assert.Equal(2, files.Length);
        Assert.Contains("To: customer@example.com", await File.ReadAllTextAsync(files[0], Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_line_that_begins_with_a_dot_does_not_end_the_mail()
    {
        var directory = servers.CreateDirectory();
        await using var drop = MailDrop.Start(directory);
        using var client = new TcpClient("127.0.0.1", drop.Port);
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        foreach (var said in (string[])["HELO me", "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.com>", "DATA", "first\r\n..second\r\nlast\r\n."])
        {
            await reader.ReadLineAsync(Cancel);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(said + "\r\n"), Cancel);
        }

        Assert.StartsWith("250", await reader.ReadLineAsync(Cancel), StringComparison.Ordinal);
        Assert.Equal("first\r\n.second\r\nlast\r\n", await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(directory, "*.eml")), Cancel));
    }
}
