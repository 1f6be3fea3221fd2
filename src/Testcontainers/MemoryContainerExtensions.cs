using DotNet.Testcontainers.Containers;

namespace Loadline.Testcontainers;

/// <summary>What was seen of a container's memory.</summary>
public static class MemoryContainerExtensions
{
    /// <summary>
    /// Watches the memory of a container that is built and not yet started, as
    /// <see cref="MemoryBuilderExtensions.WithMemoryGauge{TBuilder}"/> does: for modules whose builder has a startup callback of its own, as Kafka's, and
    /// for the Engine that Testcontainers finds by itself.
    /// </summary>
    /// <param name="container">The container.</param>
    /// <returns>The same.</returns>
    public static TContainer WithMemoryGauge<TContainer>(this TContainer container) where TContainer : IContainer
    {
        ArgumentNullException.ThrowIfNull(container);
        // Raised before every start, when the container is made.
        container.Starting += (_, _) => MemoryGauge.Expect(container);
        return container;
    }

    /// <summary>
    /// Tells what the container's memory was until now, and what became of it. A program that ends is waited for first, with
    /// <c>GetExitCodeAsync</c>; of a server this is the peak so far. To be asked before the container is disposed of.
    /// </summary>
    /// <param name="container">One with a gauge, from its builder or itself.</param>
    /// <param name="cancellation">Stops the question.</param>
    /// <exception cref="InvalidOperationException">It has no gauge, or was not started.</exception>
    public static Task<ContainerMemory> MemoryAsync(this IContainer container, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(container);
        return MemoryGauge.Of(container).ReadAsync(container.Id, cancellation);
    }
}
