using System.Net;
using System.Net.Mail;
using Microsoft.Extensions.Options;
using Payments.Webhooks.Deliveries;

namespace Payments.Webhooks.Receipts;

/// <summary>Receipts by SMTP, out of the same queue as webhooks, with slots and a schedule of their own.</summary>
public sealed class ReceiptChannel(DueDeliveries queue, IOptions<SmtpOptions> smtp, IOptions<WebhooksOptions> options, TimeProvider time) : IDeliveryChannel
{
    public string Name => "receipt";

    public int Slots => options.Value.MailConcurrency;

    public RetrySchedule Schedule => RetrySchedule.Receipts;

    public Task<IReadOnlyList<ClaimedDelivery>> ClaimAsync(int slots, IReadOnlyDictionary<Guid, int> busy, CancellationToken cancellationToken) =>
        smtp.Value.IsConfigured
            ? queue.ClaimReceiptsAsync(slots, TimeSpan.FromSeconds(2 * smtp.Value.TimeoutSeconds), cancellationToken)
            : Task.FromResult<IReadOnlyList<ClaimedDelivery>>([]);

    public async Task<AttemptResult> SendAsync(ClaimedDelivery delivery, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(delivery);
        var started = time.GetTimestamp();
        var settings = smtp.Value;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(settings.TimeoutSeconds), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var mail = ReceiptMail.Write(Receipt.Of(delivery.Body), new MailAddress(settings.From!));
            using var client = new SmtpClient(settings.Host, settings.Port) { EnableSsl = settings.StartTls };
            if (!string.IsNullOrEmpty(settings.User))
            {
                client.Credentials = new NetworkCredential(settings.User, settings.Password);
            }

            await client.SendMailAsync(mail, either.Token);
            return new AttemptResult(Verdict.Delivered, time.GetElapsedTime(started), (int)SmtpStatusCode.Ok);
        }
        catch (FormatException)
        {
            return new AttemptResult(Verdict.Hopeless, time.GetElapsedTime(started), Error: AttemptErrors.MailRefused);
        }
        catch (SmtpException e)
        {
            var refused = IsFinal(e);
            var status = e.StatusCode == SmtpStatusCode.GeneralFailure ? (int?)null : (int)e.StatusCode;
            return new AttemptResult(refused ? Verdict.Hopeless : Verdict.Failed, time.GetElapsedTime(started), status, refused ? AttemptErrors.MailRefused : AttemptErrors.MailServerFailed);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new AttemptResult(Verdict.Failed, time.GetElapsedTime(started), Error: AttemptErrors.Timeout);
        }
    }

    public Task AfterwardsAsync(ClaimedDelivery delivery, AttemptResult result, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Only what the server says of this recipient is final; what it says of us (login, policy) can be mended.</summary>
    private static bool IsFinal(SmtpException e) => e is SmtpFailedRecipientException
        && e.StatusCode is SmtpStatusCode.MailboxUnavailable or SmtpStatusCode.MailboxNameNotAllowed or SmtpStatusCode.UserNotLocalTryAlternatePath;
}
