using System.Security.Cryptography;

namespace Payments.Simulators.Wire;

/// <summary>Ids in the shapes of the vendors.</summary>
public static class Identifiers
{
    private const string Mixed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const string Upper = "BCDFGHJKLMNPQRSTVWXZ23456789";

    public static string Stripe(string prefix) => $"{prefix}_3{RandomNumberGenerator.GetString(Mixed, 23)}";

    public static string StripeSecret(string id) => $"{id}_secret_{RandomNumberGenerator.GetString(Mixed, 25)}";

    public static string StripeRequest() => $"req_{RandomNumberGenerator.GetString(Mixed, 14)}";

    /// <summary>Adyen's PSP references: sixteen characters.</summary>
    public static string Psp() => RandomNumberGenerator.GetString(Upper, 16);

    public static string Digits(int count) => RandomNumberGenerator.GetString("0123456789", count);

    public static string Token(int length) => RandomNumberGenerator.GetString(Mixed, length);
}
