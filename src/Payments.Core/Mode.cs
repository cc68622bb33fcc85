namespace Payments.Core;

/// <summary>Test and live money never meet: every key, row, event and ledger account carries one of these.</summary>
public enum Mode
{
    Test,
    Live,
}
