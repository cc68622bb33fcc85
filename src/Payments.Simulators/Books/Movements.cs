namespace Payments.Simulators.Books;

/// <summary>Replacing one movement in a charge's list.</summary>
public static class Movements
{
    public static IReadOnlyList<Movement> Replace(this IReadOnlyList<Movement> movements, Movement changed) =>
        [.. movements.Select(m => m.Id == changed.Id ? changed : m)];

    public static Movement? Find(this IReadOnlyList<Movement> movements, string? id) => movements.FirstOrDefault(m => m.Id == id);
}
