using Payments.ServiceDefaults;
using Payments.Webhooks;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("webhooks");
builder.AddWebhooks();

var app = builder.Build();
app.MapServiceDefaults();
app.MapWebhooks();
return await app.RunServiceAsync(args);
