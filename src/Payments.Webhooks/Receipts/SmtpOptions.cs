using System.ComponentModel.DataAnnotations;
using System.Net.Mail;

namespace Payments.Webhooks.Receipts;

/// <summary>Configuration section <c>Payments:Smtp</c>. Without a host receipts wait.</summary>
public sealed class SmtpOptions : IValidatableObject
{
    public const string Section = "Payments:Smtp";

    public string? Host { get; init; }

    [Range(1, 65535)]
    public int Port { get; init; } = 587;

    /// <summary>Sender of receipts: <c>receipts@example.com</c> or <c>Shop &lt;receipts@example.com&gt;</c>.</summary>
    public string? From { get; init; }

    public string? User { get; init; }

    public string? Password { get; init; }

    /// <summary>Encrypt, and refuse servers that cannot. Off only for a server on this machine or network.</summary>
    public bool StartTls { get; init; } = true;

    [Range(1, 300)]
    public int TimeoutSeconds { get; init; } = 20;

    public bool IsConfigured => !string.IsNullOrEmpty(Host);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (IsConfigured && !MailAddress.TryCreate(From, out _))
        {
            yield return new ValidationResult($"'{Section}:From' must be a mail address.", [nameof(From)]);
        }

        if (string.IsNullOrEmpty(User) != string.IsNullOrEmpty(Password))
        {
            yield return new ValidationResult($"'{Section}:User' and '{Section}:Password' go together.", [nameof(User)]);
        }
    }
}
